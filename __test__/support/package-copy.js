'use strict';
// Copies of the package as users have installed them, with the binary, and some of another version.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./child');

const { version } = require('../../package.json');
/** As long as ours, so that nothing in a binary moves. */
const OTHER_VERSION = `9${version.slice(1)}`;
const BINARY = fs.readdirSync(path.join(ROOT, 'native')).find((file) => file.endsWith('.node'));

/**
 * @param {string} folder where to put it
 * @param {string[]} [parts]
 * @returns {string} the folder
 */
function copyPackage(folder, parts = ['package.json', 'index.js', 'lib', 'native']) {
  for (const each of parts) {
    fs.cpSync(path.join(ROOT, each), path.join(folder, each), { recursive: true });
  }
  return folder;
}

/** Makes a copy's JavaScript that of another version. A release's index.js says its version, a clone's package.json. */
function renumberJavaScript(folder) {
  for (const file of ['package.json', 'index.js']) renumber(path.join(folder, file));
}

/** Makes a binary that of another version. */
function renumberBinary(file) {
  renumber(file);
  // Otherwise macOS ends whoever loads it.
  if (process.platform === 'darwin') spawnSync('codesign', ['--force', '--sign', '-', file]);
}

function renumber(file) {
  const text = fs.readFileSync(file, 'latin1');
  fs.writeFileSync(file, text.replaceAll(version, OTHER_VERSION), 'latin1');
}

module.exports = { BINARY, OTHER_VERSION, copyPackage, renumberJavaScript, renumberBinary, version };
