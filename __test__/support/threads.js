'use strict';
// The threads of this process, as Linux lists them.

const fs = require('node:fs');

const FOLDER = '/proc/self/task';

/** Their names. A thread takes its name when it begins to run. */
function threads() {
  return fs.readdirSync(FOLDER).map((id) => fs.readFileSync(`${FOLDER}/${id}/comm`, 'utf8').trim());
}

// The first read of a file may make Node start threads of its own.
threads();

module.exports = { threads };
