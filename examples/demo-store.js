// `npm run demo:store`: two processes write one account, in turns. The lock is kept by a Redis server, which this starts. In
// the middle of a payment, while it holds the lock, one of the two is killed; the other one goes on.

const { fork } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const account = require('./account');
const { NoServerError, startServer } = require('../scripts/redis-server');
const { paint } = require('./paint');
const { drawLegend, drawRows } = require('./timeline');

const PROGRAM = path.join(__dirname, 'account-writer.js');
const RECORDER = path.join(__dirname, 'record-process.js');
/** A is slow, so that there is time to kill it in the middle of a payment. */
const WRITERS = [
  { name: 'A', times: 5, pause: 250, killedAt: 3 },
  { name: 'B', times: 6, pause: 50 },
];

/** Milliseconds before the first grant that are drawn. */
const SHOWN_BEFORE = 100;

/** Milliseconds by a clock that all processes of a machine share. */
const now = () => performance.timeOrigin + performance.now();
let start = now();

function print(line) {
  const ms = String(Math.round(now() - start)).padStart(6);
  console.log(`${paint('dim', `${ms} ms │`)} ${line}`);
}

/** Runs both writers to their ends, and gives who they were and what they did with the lock. */
async function runBoth(file, url) {
  const [a, b] = WRITERS;
  let other;
  // B is quick, and comes once A has begun: else it might be through before A is killed.
  const first = await run(a, file, url, () => (other ??= run(b, file, url)));
  return [first, await other];
}

/** Runs one writer to its end; `began` is called with each payment that it begins. */
function run({ name, times, pause, killedAt }, file, url, began = () => {}) {
  const child = fork(PROGRAM, [name, file, url, times, pause].map(String), {
    execArgv: ['--require', RECORDER],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  readline.createInterface({ input: child.stdout }).on('line', print);
  const requests = [];
  let payments = 0;
  child.on('message', (message) => {
    if (message !== 'half') return note(requests, message);
    payments++;
    began();
    if (payments === killedAt) kill(child, name, requests.at(-1));
  });
  return new Promise((resolve) => {
    child.once('close', () => {
      process.off('exit', end);
      resolve({ name, requests, payments });
    });
  });
}

function note(requests, { what, fence, time }) {
  if (what === 'wait') requests.push({ mode: 'write', asked: time });
  else if (what === 'grant') Object.assign(requests.at(-1), { granted: time, fence });
  else Object.assign(requests.at(-1), { ended: time });
}

function kill(child, name, request) {
  child.kill('SIGKILL');
  Object.assign(request, { ended: now(), killed: true });
  print(paint('red', `${name}  fence ${request.fence}  lists its payment, and is killed (kill -9)`));
  print(paint('dim', '   its lease of 1 s runs out: until then nobody can distinguish dead from slow'));
}

/** The other half of the killed one's payment, as if it had been under way. Gives whether the account refused it. */
function writeLate(file, { fence }) {
  const { fence: seen, total } = account.read(file);
  try {
    account.write(file, fence, { total: total + 10 });
    print(paint('red', `A  fence ${fence}  comes late, and gets through`));
    return false;
  } catch {
    print(`A  fence ${fence}  what it had sent comes now, too late:`);
    print(`         ${seen}  has written since, so the account refuses it`);
    return true;
  }
}

/** Compares what is in the account with who has paid how often. */
function check(file, writers) {
  const { payments, total } = account.read(file);
  const expected = writers.reduce((all, { payments }) => all + payments, 0);
  const right = payments.length === expected && total === account.sum(payments);
  const text = `${writers.map(({ name, payments }) => `${payments} from ${name}`).join(' and ')}, total ${total}`;
  console.log(right ? paint('green', `\n   ✓ ${text}\n`) : paint('red', `\n   ✗ WRONG: ${text}\n`));
  return right;
}

/** The killed one's row goes on until its lease has run out: then somebody else is granted the lock. */
function draw(writers, killed) {
  const all = writers.flatMap(({ requests }) => requests);
  const grants = all.map(({ granted }) => granted);
  killed.leaseEnd = Math.min(...grants.filter((time) => time > killed.ended));
  // The wait for the server says little, and would take half the picture.
  const begin = Math.min(...grants) - SHOWN_BEFORE;
  for (const request of all) request.asked = Math.max(request.asked, begin);
  console.log(`${paint('bold', 'Who held and who waited')}, once the server grants:\n`);
  console.log(drawRows('account', writers).join('\n'));
  const lines = { write: 'held', wait: 'waited', expired: 'killed', lease: 'its lease runs out' };
  console.log(`${drawLegend(lines)}\n`);
}

async function demo(folder) {
  const server = await startServer();
  start = now();
  const file = path.join(folder, 'account.json');
  account.open(file);
  console.log('\nTwo processes pay into one account, 10 each time, in turns: A is slow, B is quick.');
  console.log(`The lock is in a Redis server that they share: ${server.version}, port ${server.port}.\n`);
  print(paint('dim', '   the server is new, and may have forgotten who holds what: so it grants'));
  print(paint('dim', '   nothing until the leases of before, 1 s each, have run out'));
  const writers = await runBoth(file, server.url);
  await server.stop();

  const [a] = writers;
  const killed = a.requests.find((request) => request.killed);
  if (killed === undefined) throw new Error('A ended before it could be killed');
  const refused = writeLate(file, killed);
  const right = check(file, writers);
  draw(writers, killed);
  return refused && right;
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-demo-'));
  process.once('exit', () => fs.rmSync(folder, { recursive: true }));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  try {
    if (!(await demo(folder))) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof NoServerError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

main();
