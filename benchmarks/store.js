'use strict';
// `npm run bench:store`: measures locks that a Redis server keeps, latchkey's beside its peers', prints the table, and
// writes results-store.md. The server is its own: it starts it and ends it.
//
//   npm run bench:store                          everything; takes about three minutes
//   npm run bench:store -- --only 'hand-over'    the scenarios with this in their names; writes nothing
//   npm run bench:store -- --quick               short and few rounds; writes nothing
//   npm run bench:store -- --check               fails if a line is more than 15 % above its target

const { parseArgs } = require('node:util');
const { NoServerError, startServer } = require('../scripts/redis-server');
const { isFarOff, table, verdict } = require('./report');
const { writeResults } = require('./store/results');
const { SCENARIOS } = require('./store/scenarios');
const { FULL, QUICK, SHORT_LEASE } = require('./store/settings');
const { withWorkers } = require('./store/workers');
const { cpu, warnIfBusy } = require('./where');

const USAGE = 'usage: npm run bench:store [-- [--only <part of a scenario name>] [--quick] [--check]]';

async function main() {
  const options = toOptions();
  if (options === null) return;
  const { only, quick, check } = options;
  const scenarios = SCENARIOS.filter(({ name }) => only === undefined || name.includes(only));
  if (scenarios.length === 0) return refuse(`no scenario has '${only}' in its name`);
  // Interrupted, it ends what it has started.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  const server = await startServer();
  const date = new Date().toISOString().slice(0, 10);
  const where = `Node ${process.versions.node}, ${server.version}, ${cpu()}, ${date}`;
  console.log(where);
  warnIfBusy();
  try {
    await awaitFirstGrant(server.port);
    const lines = [];
    for (const [i, { name, run }] of scenarios.entries()) {
      console.log(`${i + 1} of ${scenarios.length}: ${name}`);
      lines.push(...(await run(server.port, quick ? QUICK : FULL)));
    }
    report(lines, check);
    if (scenarios.length < SCENARIOS.length || quick) return;
    writeResults(where, lines);
    console.log('written to benchmarks/results-store.md');
  } finally {
    await server.stop();
  }
}

/** A new server grants nothing for the length of one lease: here a short one. */
async function awaitFirstGrant(port) {
  await withWorkers(1, 'latchkey', port, { ttl: SHORT_LEASE }, async () => {});
}

function report(lines, check) {
  console.log(`\n${table(lines)}\n`);
  const count = (what) => lines.filter((line) => verdict(line) === what).length;
  console.log(
    `${count('reached') + count('missed')} targets: ${count('reached')} reached, ${count('missed')} missed`,
  );
  const off = lines.filter(isFarOff);
  if (!check || off.length === 0) return;
  console.error(`--check: ${off.length} more than 15 % above their target`);
  process.exitCode = 1;
}

/** Null once it was said what is wrong. */
function toOptions() {
  try {
    const flag = /** @type {const} */ ({ type: 'boolean' });
    return parseArgs({ options: { only: { type: 'string' }, quick: flag, check: flag } }).values;
  } catch (error) {
    refuse(/** @type {Error} */ (error).message);
    return null;
  }
}

/** @param {string} problem */
function refuse(problem) {
  console.error(`${problem}\n${USAGE}\nscenarios:\n${SCENARIOS.map(({ name }) => `  ${name}`).join('\n')}`);
  process.exitCode = 2;
}

main().catch((error) => {
  console.error(error instanceof NoServerError ? error.message : error);
  process.exitCode = 1;
});
