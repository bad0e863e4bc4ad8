'use strict';
// `npm run bench`: measures latchkey beside its peers, prints the table, and writes results.md and results.svg.
//
//   npm run bench                        everything; takes some minutes
//   npm run bench -- --only 'free key'   the scenarios with this in their names; writes nothing
//   npm run bench -- --quick             short and few rounds; writes nothing
//   npm run bench -- --check             fails if a line is more than 15 % above its target

const { checkTargets, readOptions } = require('./options');
const { summary, table } = require('./report');
const { writeResults } = require('./record');
const { SCENARIOS } = require('./scenarios');
const { FULL, QUICK } = require('./settings');
const { cpu, warnIfBusy } = require('./where');

async function main() {
  const options = readOptions('npm run bench', SCENARIOS);
  if (options === null) return;
  const where = { node: process.versions.node, cpu: cpu(), date: new Date().toISOString().slice(0, 10) };
  console.log(`Node ${where.node}, ${where.cpu}, ${where.date}`);
  warnIfBusy();
  const lines = await measure(options.chosen, options.quick ? QUICK : FULL);
  console.log(`\n${table(lines)}\n`);
  console.log(summary(lines));
  if (process.exitCode === 1) {
    console.error('not written to benchmarks/results.md: see above for what could not be measured');
  } else if (options.isWhole) {
    writeResults({ ...where, lines });
    console.log('written to benchmarks/results.md, results.svg and results.json');
  } else {
    console.log('not written to benchmarks/results.md: that takes a whole run without --quick');
  }
  if (options.check) checkTargets(lines);
}

/**
 * @param {import('./scenarios').Scenario[]} scenarios
 * @param {import('./settings').Settings} settings
 */
async function measure(scenarios, settings) {
  const lines = [];
  for (const [i, { name, run }] of scenarios.entries()) {
    say(`${i + 1} of ${scenarios.length}: ${name}`);
    try {
      lines.push(...(await run(settings)));
    } catch (error) {
      say(`${name}: ${/** @type {Error} */ (error).message}\n`);
      process.exitCode = 1;
    }
  }
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  return lines;
}

/** In a terminal, over what was said before. @param {string} text */
function say(text) {
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
}

main();
