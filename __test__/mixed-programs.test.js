'use strict';
// Random programs that mix everything in one thread, against a model that says what no program may see.
//
// LATCHKEY_PROGRAMS says how many run, LATCHKEY_SEED where the random half of them begins; with one program only, that is
// the seed of it. With LATCHKEY_COUNT=1 nothing stops at the first violation: all are counted, by kind.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const os = require('node:os');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { seed } = require('./support/random');
const { PATIENCE } = require('./support/until');

const PROGRAMS = Number(process.env.LATCHKEY_PROGRAMS ?? 2000);
const COUNTS = process.env.LATCHKEY_COUNT === '1';
const FIRST_FIXED = 1_000_000;
/** How long a program may take where all are counted: they take 50 ms. */
const HANG = 4000;
/** How many threads run programs side by side. */
const THREADS = Math.min(os.availableParallelism(), 4);

/** The seeds: some that never change, and as many that do. */
function seeds() {
  if (PROGRAMS === 1) return [seed];
  const fixed = Math.floor(PROGRAMS / 2);
  return Array.from({ length: PROGRAMS }, (_, i) => (i < fixed ? FIRST_FIXED + i : seed + i - fixed));
}

/** Threads that run programs, each until one of them finds something wrong: then another takes its place. */
class Runner {
  #left = seeds();
  results = [];

  async run() {
    await Promise.all(Array.from({ length: THREADS }, () => this.#keepRunning()));
    return this.results;
  }

  async #keepRunning() {
    while (this.#left.length > 0) await this.#runThread();
  }

  async #runThread() {
    const worker = new Worker(path.join(__dirname, 'support', 'mixed-worker.js'));
    try {
      for (let next; (next = this.#left.shift()) !== undefined;) {
        const result = await answerOf(worker, next);
        this.results.push(result);
        if (result.kinds.length === 0) continue;
        if (!COUNTS) this.#left = [];
        return;
      }
    } finally {
      await worker.terminate();
    }
  }
}

/** What a thread says of a program; that it hangs or has died, if it does not come to its end. */
function answerOf(worker, seed) {
  const answer = { seed, kinds: [], operations: 0, grants: 0, lines: [] };
  return new Promise((resolve) => {
    const settle = (kinds, rest) => {
      clearTimeout(patience);
      worker.off('message', message).off('error', error).off('exit', exit);
      resolve({ ...answer, ...rest, kinds: [...answer.kinds, ...kinds] });
    };
    const patience = setTimeout(() => settle(['hang']), COUNTS ? HANG : PATIENCE);
    const error = (reason) => settle([`died: ${reason?.stack ?? reason}`]);
    const exit = (code) => settle([`died: exit code ${code}`]);
    const message = ({ kind, lines, ...rest }) => {
      if (kind === undefined) return settle([], rest);
      if (answer.kinds.push(kind) === 1) answer.lines = lines;
    };
    worker.on('message', message).on('error', error).on('exit', exit);
    worker.postMessage(seed);
  });
}

/** How many violations there are of each kind, in how many programs, and in how many it is the first one. */
function table(results) {
  const rows = new Map();
  const rowOf = (kind) => {
    if (!rows.has(kind)) rows.set(kind, { violations: 0, programs: 0, first: 0, seeds: [] });
    return rows.get(kind);
  };
  for (const { seed, kinds } of results) {
    for (const kind of kinds) rowOf(kind).violations++;
    for (const kind of new Set(kinds)) rowOf(kind).programs++;
    if (kinds.length === 0) continue;
    rowOf(kinds[0]).first++;
    rowOf(kinds[0]).seeds.push(seed);
  }
  return [...rows].sort(([, a], [, b]) => b.programs - a.programs);
}

it(`mixed programs see nothing that they must not see (${PROGRAMS} programs)`, async (t) => {
  t.diagnostic(`seed ${seed}`);
  const results = await new Runner().run();
  const sum = (what) => results.reduce((total, result) => total + result[what], 0);
  const wrong = results.filter(({ kinds }) => kinds.length > 0);
  t.diagnostic(`${results.length} programs, ${sum('operations')} operations, ${sum('grants')} grants`);
  t.diagnostic(`${wrong.length} programs with violations`);
  for (const [kind, { violations, programs, first, seeds }] of table(results)) {
    const where = seeds.length > 0 ? `, as with seed ${seeds.slice(0, 3).join(', ')}` : '';
    t.diagnostic(`${kind}: ${violations} violations in ${programs} programs, the first in ${first}${where}`);
  }
  if (COUNTS) return;
  for (const { seed, kinds, lines } of wrong) {
    t.diagnostic(`LATCHKEY_PROGRAMS=1 LATCHKEY_SEED=${seed}: ${kinds[0]}`);
    for (const line of lines) t.diagnostic(`  ${line}`);
  }
  assert.equal(wrong.length, 0, `programs with violations, the first: ${wrong[0]?.kinds[0]}`);
  assert.ok(sum('operations') >= 200 * PROGRAMS, 'each program makes 200 calls');
  assert.ok(sum('grants') > 40 * PROGRAMS, 'many of them are granted');
});
