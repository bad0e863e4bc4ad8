'use strict';
// `npm run lint`: which folder of lib/ may import from which. They stand in the order in which they may use each other: each may
// use those behind it, and what belongs to no folder.

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./command');

const LIB = path.join(ROOT, 'lib');
const ORDER = ['apis', 'requests', 'spaces', 'events', 'addon', ''];

/** The folder of lib/ that a file is in; '' for lib/ itself. */
function folderOf(file) {
  const folder = path.dirname(path.relative(LIB, file));
  return folder === '.' ? '' : folder;
}

/** @returns {string[]} what is wrong with a file */
function check(file) {
  const text = fs.readFileSync(file, 'utf8');
  const own = ORDER.indexOf(folderOf(file));
  if (own === -1)
    return [`${path.relative(ROOT, file)} is in no folder that ${path.basename(__filename)} knows`];
  const imports = [...text.matchAll(/\brequire\('(\.[^']+)'\)/g)].map(([, name]) => name);
  const inside = imports.filter((name) => path.resolve(path.dirname(file), name).startsWith(LIB));
  return inside
    .filter((name) => ORDER.indexOf(folderOf(path.resolve(path.dirname(file), name))) < own)
    .map((name) => `${path.relative(ROOT, file)} must not import ${name}`);
}

const files = fs.readdirSync(LIB, { recursive: true }).map((file) => path.join(LIB, String(file)));
const faults = files.filter((file) => file.endsWith('.js')).flatMap(check);
faults.forEach((fault) => console.error(fault));
process.exitCode = faults.length === 0 ? 0 : 1;
