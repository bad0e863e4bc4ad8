// Installs the tools of one script, which most who work on the package never need: pinned in scripts/<name>, installed into
// .cache/<name> on demand.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, npm, must } = require('./command');

/** Resolves to the node_modules folder that has what scripts/<name>/package-lock.json names. */
async function installPinned(name) {
  const pins = path.join(ROOT, 'scripts', name);
  const folder = path.join(ROOT, '.cache', name);
  const modules = path.join(folder, 'node_modules');
  const isSame = (file) => {
    const [wanted, found] = [pins, folder].map((each) => path.join(each, file));
    return fs.existsSync(found) && fs.readFileSync(wanted).equals(fs.readFileSync(found));
  };
  if (isSame('package-lock.json') && fs.existsSync(path.join(modules, '.package-lock.json'))) return modules;
  fs.mkdirSync(folder, { recursive: true });
  fs.rmSync(path.join(folder, 'package-lock.json'), { force: true });
  for (const file of ['package.json', 'package-lock.json']) {
    fs.copyFileSync(path.join(pins, file), path.join(folder, file));
  }
  await must(npm('ci', '--ignore-scripts', '--no-audit', '--no-fund'), { cwd: folder });
  return modules;
}

module.exports = { installPinned };
