'use strict';
// `npm run bench:store`: measures locks that a Redis server keeps, latchkey's beside its peers', prints the table, and
// writes results-store.md. The server is its own: it starts it and ends it.
//
//   npm run bench:store                          everything; takes about three minutes
//   npm run bench:store -- --only 'hand-over'    the scenarios with this in their names; writes nothing
//   npm run bench:store -- --quick               short and few rounds; writes nothing
//   npm run bench:store -- --check               fails if a line is more than 15 % above its target

const { NoServerError, startServer } = require('../scripts/redis-server');
const { checkTargets, readOptions } = require('./options');
const { summary, table } = require('./report');
const { writeResults } = require('./store/results');
const { SCENARIOS } = require('./store/scenarios');
const { FULL, QUICK, SHORT_LEASE } = require('./store/settings');
const { withWorkers } = require('./store/workers');
const { cpu, warnIfBusy } = require('./where');

async function main() {
  const options = readOptions('npm run bench:store', SCENARIOS);
  if (options === null) return;
  const { chosen, isWhole, quick, check } = options;
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
    for (const [i, { name, run }] of chosen.entries()) {
      console.log(`${i + 1} of ${chosen.length}: ${name}`);
      lines.push(...(await run(server.port, quick ? QUICK : FULL)));
    }
    console.log(`\n${table(lines)}\n`);
    console.log(summary(lines));
    if (check) checkTargets(lines);
    if (!isWhole) return;
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

main().catch((error) => {
  console.error(error instanceof NoServerError ? error.message : error);
  process.exitCode = 1;
});
