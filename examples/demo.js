// `npm run demo`: runs the documented examples of alock and rwlock-plus on latchkey, each unchanged, and checks what
// they print against examples/expected; then five threads that count in one file. In the end it draws who held and
// who waited, for each key and in each thread.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const lock = require('latchkey/alock');
const Lock = require('latchkey/rwlock-plus');
const { paint } = require('./paint');
const { createRecorder } = require('./recorder');
const { run } = require('./run');
const { drawLegend, drawThreads, drawTimeline } = require('./timeline');

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

const THREADS = {
  program: 'shared-counter',
  title: 'latchkey: one lock for every thread',
  see: 'Four workers and the main thread count in one file, as they like, then in turn.',
};
/** How many holds of the counting threads are drawn: more would not fit. */
const TURNS = 16;

/** Resolves when the program has nothing left to do: had it run alone, its process would end here. */
const ended = () => new Promise((resolve) => process.once('beforeExit', resolve));

/** Says what comes, and gives what prints a line with its time. */
function announce({ program, title, see }, number) {
  console.log(`${paint('bold', `${number}  ${title}`)}  ${paint('dim', `examples/${program}.js`)}`);
  console.log(`   ${see}\n`);
  const start = performance.now();
  return (line) => {
    const ms = String(Math.round(performance.now() - start)).padStart(6);
    console.log(`${paint('dim', `${ms} ms │`)} ${line}`);
  };
}

/** Runs one program, shows what it prints and when, and says whether that is what it should print. */
async function show(part, number, recorder) {
  const print = announce(part, number);
  const printed = [];
  const log = (line) => {
    printed.push(line);
    print(line);
  };
  const { alock, rwlock } = recorder.watch;
  const file = path.join(__dirname, `${part.program}.js`);
  run(file, { alock: alock(lock), 'rwlock-plus': rwlock(Lock) }, { log });
  await ended();

  const expected = fs.readFileSync(path.join(__dirname, 'expected', `${part.program}.txt`), 'utf8');
  const right = printed.join('\n') === expected.trimEnd();
  console.log(
    right ? paint('green', '\n   ✓ as documented\n') : paint('red', `\n   ✗ expected:\n\n${expected}`),
  );
  return right;
}

/**
 * Runs the counting threads in a process of their own, since the workers, too, have to be watched from their first
 * line on. Gives what each did, in the order of the threads.
 */
async function showThreads(number) {
  const print = announce(THREADS, number);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-demo-'));
  const record = path.join(folder, 'record');
  const files = ['record-threads.js', `${THREADS.program}.js`].map((name) => path.join(__dirname, name));
  const child = spawn(process.execPath, ['--require', ...files], {
    env: { ...process.env, LATCHKEY_RECORD: record },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  readline.createInterface({ input: child.stdout }).on('line', print);
  const code = await new Promise((resolve) => child.on('close', resolve));

  const right = code === 0;
  console.log(
    right
      ? paint('green', '\n   ✓ with the lock, nothing is lost\n')
      : paint('red', `\n   ✗ exit code ${code}\n`),
  );
  const lines = fs.existsSync(record) ? fs.readFileSync(record, 'utf8').trimEnd().split('\n') : [];
  fs.rmSync(folder, { recursive: true });
  const threads = lines.map((line) => JSON.parse(line)).sort((a, b) => a.threadId - b.threadId);
  return { right, threads };
}

async function main() {
  const recorder = createRecorder();
  console.log('\nPrograms written for alock and rwlock-plus, unchanged, on latchkey; and one of its own.\n');
  for (const [index, part] of PARTS.entries()) {
    if (!(await show(part, index + 1, recorder))) process.exitCode = 1;
  }
  const { right, threads } = await showThreads(PARTS.length + 1);
  if (!right) process.exitCode = 1;

  console.log(`${paint('bold', 'Who held and who waited')}, for each key from its first request:\n`);
  console.log(drawTimeline(recorder.keys).join('\n'));
  if (threads.length > 1) {
    const all = threads.flatMap(({ requests }) => requests).length;
    console.log(`${paint('bold', 'The same across threads')}: the first ${TURNS} holds of ${all}\n`);
    console.log(drawThreads('counter', threads, TURNS).join('\n'));
  }
  console.log(drawLegend() + '\n');
}

main();
