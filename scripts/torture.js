// `npm run torture`: the history checker over 10,000 seeds, then 1,000 deaths of each sort.
//
//   npm run torture                    both
//   npm run torture -- 500             500 seeds, and a tenth as many deaths of each sort
//   npm run torture -- --seed 123      this seed, 100 times: threads never meet twice in the same way
//   npm run torture -- --history 500   only seeds
//   npm run torture -- --deaths 100    only deaths
//   npm run torture -- --store 500     only seeds, over a store, on a redis-server that is started for it: 500 (of 1,000)
//   npm run torture -- --store --seed 123
'use strict';

const { setup } = require('./setup');

const SEEDS = 10_000;
/** A store's: a death takes a lease. */
const STORE_SEEDS = 1000;
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
  if (plan.seeds.length > 0) green.push(await history(plan.seeds, plan.store));
  if (plan.deaths > 0) green.push(await deaths(plan.deaths));
  process.exitCode = green.every(Boolean) ? 0 : 1;
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

/** @returns {Promise<boolean>} whether no promise was broken */
async function history(seeds, store = false) {
  console.log(
    `History${store ? ' over a store' : ''}: ${seeds.length} runs, seeds ${seeds[0]} to ${seeds.at(-1)}`,
  );
  const { torture, stop } = store ? await overStore() : inProcess();
  const sums = { events: 0, deaths: 0 };
  const failed = [];
  const progress = reporter(seeds.length);
  for (const [i, seed] of seeds.entries()) {
    const { complaints, proven, events, deaths } = await torture.run(seed);
    const counts = { events: events.length, deaths, ...proven };
    for (const [what, count] of Object.entries(counts)) sums[what] = (sums[what] ?? 0) + count;
    if (complaints.length > 0) {
      failed.push(seed);
      console.log(`\nseed ${seed} (again: npm run torture -- ${store ? '--store ' : ''}--seed ${seed})`);
      for (const complaint of complaints) console.log(`  ${complaint}`);
    }
    progress(i + 1, `${failed.length} failed`);
  }
  const left = Object.entries(await torture.end()).filter(([, count]) => count !== 0);
  await stop();
  for (const [what, count] of left) console.log(`  left at the end: ${count} ${what}`);
  const { events, deaths, grants, exclusion, order, told, recovered } = sums;
  console.log(`  ${events} events, ${deaths} ${store ? 'processes' : 'workers'} died, ${grants} grants`);
  console.log(
    `  proven: exclusion of ${exclusion} pairs, order of ${order}, recovered of ${recovered} grants,`,
  );
  console.log(`  ${told} expiries told before the same thread's next grant`);
  console.log(
    failed.length === 0 ? '  no promise broken' : `  ${failed.length} runs failed: ${failed.join(', ')}`,
  );
  return failed.length === 0 && left.length === 0;
}

function inProcess() {
  const { Torture } = require('../__test__/torture/run');
  return { torture: new Torture(), stop() {} };
}

async function overStore() {
  const { Redis } = require('../__test__/support/redis');
  const { StoreTorture } = require('../__test__/torture/run-store');
  const redis = await new Redis().start();
  return { torture: new StoreTorture(redis), stop: () => redis.stop() };
}

/** @returns {Promise<boolean>} whether each waiter was served in time */
async function deaths(times) {
  const { witnessDeath, describeTimes, inTime, WAYS } = require('../__test__/torture/deaths');
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
