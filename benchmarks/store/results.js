'use strict';
// Writes results-store.md, from the last whole run.

const fs = require('node:fs');
const path = require('node:path');
const { table } = require('../record');

const FILE = path.join(__dirname, '../results-store.md');

/**
 * @param {string} where on what it was measured, and when
 * @param {import('../report').Line[]} lines
 */
function writeResults(where, lines) {
  fs.writeFileSync(FILE, page(where, lines));
}

/** @param {string} where @param {import('../report').Line[]} lines */
function page(where, lines) {
  return `# What locks in a store cost

Written by \`npm run bench:store\`; see the [README](README.md#locks-in-a-store) for what each scenario does and how to read a
line.

${where}

${table(lines)}
`;
}

module.exports = { writeResults };
