'use strict';
// What the benchmarks of the package and those of the store take on the command line, and what `--check` says.

const { parseArgs } = require('node:util');
const { isFarOff } = require('./report');

/**
 * @template {{ name: string }} Scenario
 * @typedef {object} Options
 * @property {Scenario[]} chosen the scenarios to run
 * @property {boolean} isWhole true if these are all, and at full length
 * @property {boolean} quick
 * @property {boolean} check
 */

/**
 * @template {{ name: string }} Scenario
 * @param {string} command how the program is called, for its usage
 * @param {Scenario[]} scenarios all that there are
 * @returns {Options<Scenario> | null} null once it was said what is wrong
 */
function readOptions(command, scenarios) {
  const values = parse(command);
  if (values === null) return null;
  const { only, quick, check } = values;
  const chosen = scenarios.filter(({ name }) => only === undefined || name.includes(only));
  if (chosen.length === 0) {
    const names = scenarios.map(({ name }) => `  ${name}`).join('\n');
    return refuse(`no scenario has '${only}' in its name; there are:\n${names}`);
  }
  return { chosen, isWhole: chosen.length === scenarios.length && !quick, quick, check };
}

/** @param {string} command */
function parse(command) {
  try {
    const flag = /** @type {const} */ ({ type: 'boolean', default: false });
    return parseArgs({ options: { only: { type: 'string' }, quick: flag, check: flag } }).values;
  } catch (error) {
    const usage = `usage: ${command} [-- [--only <part of a scenario name>] [--quick] [--check]]`;
    return refuse(`${/** @type {Error} */ (error).message}\n${usage}`);
  }
}

/** @param {string} problem @returns {null} */
function refuse(problem) {
  console.error(problem);
  process.exitCode = 2;
  return null;
}

/** What `--check` does: fails if a line is too far above its target. @param {import('./report').Line[]} lines */
function checkTargets(lines) {
  const off = lines.filter(isFarOff);
  if (off.length === 0) return;
  console.error(`--check: ${off.length} more than 15 % above their target`);
  process.exitCode = 1;
}

module.exports = { readOptions, checkTargets };
