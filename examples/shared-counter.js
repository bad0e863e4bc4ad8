// Five threads count in one file: four workers and the main thread, 100 times each. First as they like, then with a
// lock. `new Locks({ name })` in each thread is the same lock, because the name is the same.

const fs = require('node:fs/promises');
const { once } = require('node:events');
const os = require('node:os');
const path = require('node:path');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { Locks } = require('latchkey');

const WORKERS = 4;
const TIMES = 100;

const locks = new Locks({ name: 'shared-counter' });

/** As text of one width, written over the old one, so that nobody finds half a number or none. */
const toText = (count) => String(count).padStart(6, '0');

// Between the read and the write, another thread may have written: then its increment is lost.
async function increment(file) {
  const count = Number(await fs.readFile(file, 'utf8'));
  await fs.writeFile(file, toText(count + 1), { flag: 'r+' });
}

async function countAsTheyLike(file) {
  for (let i = 0; i < TIMES; i++) await increment(file);
}

async function countInTurn(file) {
  for (let i = 0; i < TIMES; i++) await locks.write('counter', () => increment(file));
}

const WAYS = { countAsTheyLike, countInTurn };

/** Has all threads count at the same time, and gives what stands in the file when all are done. */
async function countTogether(way, file, workers) {
  await fs.writeFile(file, toText(0));
  const done = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage(way);
  await Promise.all([WAYS[way](file), ...done]);
  return Number(await fs.readFile(file, 'utf8'));
}

async function main() {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'latchkey-counter-'));
  const file = path.join(folder, 'count');
  const workers = Array.from({ length: WORKERS }, () => new Worker(__filename, { workerData: file }));
  await Promise.all(workers.map((worker) => once(worker, 'online')));

  const expected = (WORKERS + 1) * TIMES;
  console.log(`${WORKERS + 1} threads × ${TIMES} increments: ${expected} expected`);
  const without = await countTogether('countAsTheyLike', file, workers);
  console.log(
    `without the lock: ${without}` + (without === expected ? ', by pure luck' : ', updates are lost'),
  );
  const locked = await countTogether('countInTurn', file, workers);
  console.log(`with the lock:    ${locked}` + (locked === expected ? ', right' : ', WRONG'));
  if (locked !== expected) process.exitCode = 1;

  for (const worker of workers) worker.postMessage('end');
  await fs.rm(folder, { recursive: true });
}

if (isMainThread) {
  main();
} else {
  parentPort.on('message', async (way) => {
    if (way === 'end') process.exit();
    await WAYS[way](workerData);
    parentPort.postMessage('done');
  });
}
