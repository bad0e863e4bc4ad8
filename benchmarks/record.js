'use strict';
// Keeps the last whole run of each major version of Node in results.json, and draws results.md and results.svg
// from it.

const fs = require('node:fs');
const path = require('node:path');
const { chart } = require('./chart');
const { HEAD, RIGHT, cells } = require('./report');

/**
 * @typedef {object} Run
 * @property {string} node its version
 * @property {string} cpu
 * @property {string} date
 * @property {import('./report').Line[]} lines
 */

const JSON_FILE = path.join(__dirname, 'results.json');
const TABLE_FILE = path.join(__dirname, 'results.md');
const CHART_FILE = path.join(__dirname, 'results.svg');

/**
 * Replaces the run of the same major version of Node, and leaves the others.
 *
 * @param {Run} run
 */
function writeResults(run) {
  const others = readRuns().filter(({ node }) => majorOf(node) !== majorOf(run.node));
  const runs = [...others, run].sort((a, b) => majorOf(a.node) - majorOf(b.node));
  fs.writeFileSync(JSON_FILE, `${JSON.stringify(runs, null, 2)}\n`);
  fs.writeFileSync(TABLE_FILE, page(runs));
  fs.writeFileSync(CHART_FILE, chart(runs));
}

/** @returns {Run[]} */
function readRuns() {
  return fs.existsSync(JSON_FILE) ? JSON.parse(fs.readFileSync(JSON_FILE, 'utf8')) : [];
}

/** @param {string} version */
function majorOf(version) {
  return Number.parseInt(version, 10);
}

/** @param {Run[]} runs */
function page(runs) {
  const sections = runs.map(
    ({ node, cpu, date, lines }) =>
      `## Node ${majorOf(node)}\n\nNode ${node}, ${cpu}, ${date}\n\n${table(lines)}\n`,
  );
  return `# What latchkey costs beside its peers

Written by \`npm run bench\`; see the [README](README.md) for what each scenario does and how to read a line.

![The ratio of latchkey's time to each peer's, with its target](results.svg)

${sections.join('\n')}`;
}

/** @param {import('./report').Line[]} lines */
function table(lines) {
  const rows = [HEAD, ...lines.map(cells)];
  const widths = HEAD.map((_, i) => Math.max(3, ...rows.map((row) => row[i].length)));
  const toRow = (row) => `| ${row.map(pad).join(' | ')} |`;
  const pad = (text, i) => (RIGHT[i] ? text.padStart(widths[i]) : text.padEnd(widths[i]));
  const rule = widths.map((width, i) => (RIGHT[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [toRow(rows[0]), `| ${rule.join(' | ')} |`, ...rows.slice(1).map(toRow)].join('\n');
}

module.exports = { writeResults, table };
