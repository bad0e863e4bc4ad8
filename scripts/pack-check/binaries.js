// What scripts/binaries.py says of an addon. It reads the formats of all systems by a library for Python, which is installed
// into .cache/python on demand.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, must, run } = require('../command');

const SCRIPTS = path.join(ROOT, 'scripts');
const FOLDER = path.join(ROOT, '.cache', 'python');

/** Resolves to why it was skipped, if it was. */
async function checkBinary(file) {
  const python = await findPython();
  if (!python) {
    if (process.env.CI) throw new Error('python3 was not found');
    return 'skipped: python3 was not found';
  }
  const pins = path.join(SCRIPTS, 'binaries.txt');
  const installed = path.join(FOLDER, 'installed.txt');
  if (!fs.existsSync(installed) || !fs.readFileSync(installed).equals(fs.readFileSync(pins))) {
    const quiet = ['--quiet', '--disable-pip-version-check', '--root-user-action=ignore'];
    const what = ['--upgrade', '--target', FOLDER, '--require-hashes', '--requirement', pins];
    await must([python, ['-m', 'pip', 'install', ...quiet, ...what]]);
    fs.copyFileSync(pins, installed);
  }
  const env = { ...process.env, PYTHONPATH: FOLDER };
  await must([python, [path.join(SCRIPTS, 'binaries.py'), file]], { env });
}

async function findPython() {
  for (const name of ['python3', 'python']) {
    const { code, output } = await run([name, ['--version']]);
    if (code === 0 && output.startsWith('Python 3')) return name;
  }
  return undefined;
}

module.exports = { checkBinary };
