// `npm run torture`: the history checker over 10,000 seeds, then 1,000 deaths of each sort.
//
//   npm run torture                    both
//   npm run torture -- 500             500 seeds, and a tenth as many deaths of each sort
//   npm run torture -- --seed 123      this seed, 100 times: threads never meet twice in the same way
//   npm run torture -- --history 500   only seeds
//   npm run torture -- --deaths 100    only deaths
//   npm run torture -- --store 500     only seeds, over a store, on a redis-server that is started for it: 500 (of 1,000);
//                                      half of them with connections that break
//   npm run torture -- --store --seed 123
'use strict';

const { setup } = require('../../scripts/setup');

const SEEDS = 10_000;
/** A store's: a death takes a lease. */
const STORE_SEEDS = 1000;
/** So many different seeds have to prove something of each sort. */
const MANY = 100;
const PROVEN = ['grants', 'exclusion', 'order', 'recovered', 'served', 'rises'];
/** How many of a store's at a time. */
const SIDE_BY_SIDE = 8;
const DEATHS = 1_000;
/** How often one seed is run. */
const AGAIN = 100;

async function main(args) {
  const plan = toPlan(args);
  if (plan === null) {
    console.error(
      'usage: npm run torture [-- <seeds> | --seed <seed> | --history <seeds> | --deaths <times> | --store [<seeds> | --seed <seed>]]',
    );
    process.exitCode = 2;
    return;
  }
  await setup();
  const green = [];
  if (plan.store) green.push(await histories(plan.seeds));
  else if (plan.seeds.length > 0) green.push(await history(plan.seeds));
  if (plan.deaths > 0) green.push(await deaths(plan.deaths));
  // A request that was lost would keep the process alive.
  process.exit(green.every(Boolean) ? 0 : 1);
}

/** @returns {{ seeds: number[], deaths: number, store?: boolean } | null} null if nobody could know what is meant */
function toPlan(args) {
  if (args[0] === '--store') {
    const rest = args.length === 1 ? ['--history', STORE_SEEDS] : args.slice(1);
    const plan = toPlan(rest.length === 1 ? ['--history', ...rest] : rest);
    return plan === null || plan.deaths > 0 ? null : { ...plan, store: true };
  }
  const start = Date.now() % 2 ** 30;
  const from = (count) => Array.from({ length: count }, (_, i) => start + i);
  const [first, second] = args;
  const number = Number(second ?? first ?? SEEDS);
  if (!Number.isSafeInteger(number) || number < 0 || args.length > 2) return null;
  if (first === '--seed' && second !== undefined) return { seeds: Array(AGAIN).fill(number), deaths: 0 };
  if (first === '--history') return { seeds: from(number), deaths: 0 };
  if (first === '--deaths') return { seeds: [], deaths: number };
  if (second !== undefined) return null;
  return { seeds: from(number), deaths: Math.ceil((number * DEATHS) / SEEDS) };
}

/** Over a store: half of them with connections that break, of which less can be proven. */
async function histories(seeds) {
  const half = Math.ceil(seeds.length / 2);
  const whole = await history(seeds.slice(0, half), ' over a store', () => overStore(false));
  const last = seeds.slice(half);
  if (last.length === 0) return whole;
  return (await history(last, ' over a store whose connections break', () => overStore(true))) && whole;
}

/** @returns {Promise<boolean>} whether no promise was broken */
async function history(seeds, where = '', start = inProcess) {
  console.log(`History${where}: ${seeds.length} runs, seeds ${seeds[0]} to ${seeds.at(-1)}`);
  const store = where !== '';
  const { tortures, stop } = await start();
  const sums = { events: 0, operations: 0, deaths: 0 };
  const failed = [];
  const progress = reporter(seeds.length);
  const next = seeds.values();
  let done = 0;
  const playAll = async (torture) => {
    // Each takes the next seed when it is done with one.
    for (const seed of next) {
      const { complaints, proven, events, deaths, broken = 0, metNobody = 0 } = await torture.run(seed);
      const operations = operationsIn(events);
      const counts = { events: events.length, operations, deaths, broken, metNobody, ...proven };
      for (const [what, count] of Object.entries(counts)) sums[what] = (sums[what] ?? 0) + count;
      if (complaints.length > 0) {
        failed.push(seed);
        console.log(`\nseed ${seed} (again: npm run torture -- ${store ? '--store ' : ''}--seed ${seed})`);
        for (const complaint of complaints) console.log(`  ${complaint}`);
      }
      progress(++done, `${failed.length} failed`);
    }
  };
  await Promise.all(tortures.map(playAll));
  const left = [];
  for (const torture of tortures) left.push(...Object.entries(await torture.end()));
  await stop();
  const notZero = left.filter(([, count]) => count !== 0);
  for (const [what, count] of notZero) console.log(`  left at the end: ${count} ${what}`);
  report(sums, store);
  console.log(
    failed.length === 0 ? '  no promise broken' : `  ${failed.length} runs failed: ${failed.join(', ')}`,
  );
  const unproven = new Set(seeds).size < MANY ? [] : PROVEN.filter((what) => sums[what] === 0);
  if (unproven.length > 0) console.log(`  looked at nothing: no ${unproven.join(', no ')}`);
  return failed.length === 0 && notZero.length === 0 && unproven.length === 0;
}

/** How often anybody asked, downgraded or let go. */
function operationsIn(events) {
  const kinds = ['asked', 'downgrading', 'releasing'];
  const one = ({ kind, request }) => `${kind} ${request}`;
  return new Set(events.filter(({ kind }) => kinds.includes(kind)).map(one)).size;
}

function report(sums, store) {
  const { events, operations, deaths, grants, exclusion, order, notified, recovered } = sums;
  console.log(`  ${operations} operations, ${events} events, ${grants} grants`);
  console.log(`  ${deaths} ${store ? 'processes' : 'workers'} died`);
  console.log(
    `  proven: exclusion of ${exclusion} pairs, order of ${order}, recovered of ${recovered} grants,`,
  );
  console.log(`  ${notified} expiries delivered before the same thread's next grant`);
  if (!store) return;
  const { broken, metNobody, served, rises } = sums;
  console.log(`  ${broken} connections broken, for which ${metNobody} requests with a timeout failed`);
  console.log(`  on the server: ${served} waiters served by their tickets; ${rises} tickets and fences rose`);
}

function inProcess() {
  const { Torture } = require('./run');
  return { tortures: [new Torture()], stop() {} };
}

async function overStore(breaks) {
  const { Redis } = require('../support/redis');
  const { StoreTorture } = require('./run-store');
  const redis = await new Redis().start();
  return { tortures: await StoreTorture.several(SIDE_BY_SIDE, redis, breaks), stop: () => redis.stop() };
}

/** @returns {Promise<boolean>} whether each waiter was served in time */
async function deaths(times) {
  const { witnessDeath, describeTimes, inTime, WAYS } = require('./deaths');
  console.log(
    `Deaths: a worker that holds a write lock, ${times} times each; how long after it the waiter is served`,
  );
  let bad = 0;
  for (const way of WAYS) {
    const seen = [];
    const progress = reporter(times);
    while (seen.length < times) {
      seen.push(await witnessDeath(way));
      progress(seen.length, way);
    }
    console.log(`  ${way.padEnd(21)} ${describeTimes(seen)}`);
    const wrong = seen.filter((each) => !each.recovered || !each.fenceGrew || !each.healed);
    const late = seen.filter((each) => !inTime(each));
    for (const each of [...wrong, ...late]) console.log(`    not so: ${JSON.stringify(each)}`);
    bad += wrong.length + late.length;
  }
  console.log(bad === 0 ? '  no miss' : `  ${bad} misses`);
  return bad === 0;
}

/** Says how far it is: often in a terminal, now and then in a log. */
function reporter(total) {
  const start = performance.now();
  let last = start;
  return (done, note) => {
    const now = performance.now();
    if (now - last < (process.stdout.isTTY ? 200 : 30_000)) return;
    last = now;
    const rest = Math.round((((now - start) / done) * (total - done)) / 1000);
    const line = `  ${done} of ${total}, ${note}, about ${rest} s to go`;
    process.stdout.write(process.stdout.isTTY && done < total ? `\r${line}\x1b[K` : `${line}\n`);
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  };
}

main(process.argv.slice(2));
