// Runs one program twice, each time in a process of its own: once on Node's `navigator.locks`, once on latchkey.
// The program is the same to the character; only the four lines of `SIDES` differ. What each run prints, and how it
// ends, is shown under the name of its side.

const { spawn } = require('node:child_process');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

/** No scenario takes longer: whoever still waits then is shown as stuck. */
const TIME_LIMIT = 60_000;

const SIDES = {
  'navigator.locks': () => ({
    write: (key, options, fn) => navigator.locks.request(key, options, fn),
    read: (key, options, fn) => navigator.locks.request(key, { ...options, mode: 'shared' }, fn),
    query: async () => navigator.locks.query(),
  }),
  latchkey: () => {
    const { Locks } = require('latchkey');
    return new Locks({ name: 'web-locks' });
  },
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {string} file the scenario's own file
 * @param {object} parts
 * @param {string} parts.title what goes wrong
 * @param {(tools: any) => Promise<void>} parts.main the program
 * @param {(tools: any) => Promise<void>} [parts.worker] what its worker threads do
 * @param {number} [parts.runs] how often it is run, where the outcome is a matter of luck
 */
async function scenario(file, { title, main, worker, runs = 1 }) {
  if (!isMainThread) return runWorker(worker);
  const side = process.argv[2];
  if (side) return runMain(file, side, main);

  console.log(title);
  for (const name of Object.keys(SIDES)) {
    console.log(`\n  ${name}, Node ${process.version}`);
    if (name === 'navigator.locks' && !globalThis.navigator?.locks) {
      console.log('    is not there: it came with Node 24');
      continue;
    }
    const outcomes = new Map();
    for (let run = 0; run < runs; run++) {
      const outcome = await runAlone(file, name);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    for (const [outcome, count] of outcomes) {
      if (runs > 1) console.log(`    in ${count} of ${runs} runs:`);
      console.log(outcome.replace(/^/gm, '    '));
    }
  }
  console.log();
}

/** The program, as the child process' main thread. */
async function runMain(file, side, main) {
  const start = () => {
    const thread = new Worker(file, { workerData: side });
    const heard = [];
    let wake = () => {};
    thread.on('message', (message) => {
      heard.push(message);
      wake();
    });
    /** Resolves once the worker has said `message`. */
    const said = async (message) => {
      while (!heard.includes(message)) await new Promise((resolve) => (wake = resolve));
    };
    return Object.assign(thread, { said });
  };
  await main({ side, locks: SIDES[side](), start, sleep, log: console.log });
}

async function runWorker(worker) {
  const say = (message) => parentPort.postMessage(message);
  await worker({ side: workerData, locks: SIDES[workerData](), say, sleep });
}

/** Runs one side as a process of its own, and resolves to what it printed and how it ended. */
function runAlone(file, side) {
  const child = spawn(process.execPath, [file, side], { timeout: TIME_LIMIT, killSignal: 'SIGKILL' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const lines = stdout.split('\n').slice(0, -1);
      const fault = stderr.split('\n').find((line) => /error/i.test(line));
      if (signal === 'SIGKILL') lines.push(`stuck: killed after ${TIME_LIMIT / 1000} s`);
      else if (signal) lines.push(`the process is aborted (${signal}): ${fault}`);
      else if (code !== 0) lines.push(`the process ends with exit code ${code}: ${fault}`);
      resolve(lines.join('\n'));
    });
  });
}

module.exports = { scenario };
