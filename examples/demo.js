// `npm run demo`: runs the documented examples of alock and rwlock-plus on latchkey, each unchanged, checks what
// they print against examples/expected, and draws who held and who waited for each key.

const fs = require('node:fs');
const path = require('node:path');

const lock = require('latchkey/alock');
const Lock = require('latchkey/rwlock-plus');
const { paint } = require('./paint');
const { createRecorder } = require('./recorder');
const { run } = require('./run');
const { drawTimeline } = require('./timeline');

const PARTS = [
  {
    program: 'first-second',
    title: 'alock: First! and Second!',
    see: 'First! waits 300 ms (1000 in the documentation), Second! still comes after.',
  },
  {
    program: 'double-score',
    title: 'alock: the double-score race',
    see: 'Unlocked, both calls read 10. Locked, call 2 reads what call 1 wrote.',
  },
  {
    program: 'read-write',
    title: 'rwlock-plus: readers and writers',
    see: 'Two readers share, the writer waits for both, read 4 waits for the writer.',
  },
  {
    program: 'get-stream',
    title: 'rwlock-plus: streams with a failsafe',
    see: 'A stream that never ends loses its lock after 300 ms, if another asks.',
  },
];

/** Resolves when the program has nothing left to do: had it run alone, its process would end here. */
const ended = () => new Promise((resolve) => process.once('beforeExit', resolve));

/** Runs one program, shows what it prints and when, and says whether that is what it should print. */
async function show({ program, title, see }, number, recorder) {
  const file = path.join(__dirname, `${program}.js`);
  console.log(`${paint('bold', `${number}  ${title}`)}  ${paint('dim', `examples/${program}.js`)}`);
  console.log(`   ${see}\n`);

  const printed = [];
  const start = performance.now();
  const log = (line) => {
    printed.push(line);
    const ms = String(Math.round(performance.now() - start)).padStart(6);
    console.log(`${paint('dim', `${ms} ms │`)} ${line}`);
  };
  const { alock, rwlock } = recorder.watch;
  run(file, { alock: alock(lock), 'rwlock-plus': rwlock(Lock) }, { log });
  await ended();

  const expected = fs.readFileSync(path.join(__dirname, 'expected', `${program}.txt`), 'utf8');
  const right = printed.join('\n') === expected.trimEnd();
  console.log(
    right ? paint('green', '\n   ✓ as documented\n') : paint('red', `\n   ✗ expected:\n\n${expected}`),
  );
  return right;
}

async function main() {
  const recorder = createRecorder();
  console.log('\nPrograms written for alock and rwlock-plus, unchanged, on latchkey.\n');
  for (const [index, part] of PARTS.entries()) {
    if (!(await show(part, index + 1, recorder))) process.exitCode = 1;
  }
  console.log(`${paint('bold', 'Who held and who waited')}, for each key from its first request:\n`);
  console.log(drawTimeline(recorder.keys).join('\n') + '\n');
}

main();
