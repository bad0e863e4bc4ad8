'use strict';
// Why lib/native.js tries the likely places itself: `node benchmarks/loaders.js` loads the same installed addon by its path, as
// lib/native.js does, and by the loader that napi-rs generates, each in fresh processes that take turns.

const fs = require('node:fs');
const path = require('node:path');
const { load, withRelease } = require('./start');
const { median } = require('./statistics');

const STARTS = 41;

async function main() {
  const times = { 'by its path': [], 'by the generated loader': [] };
  await withRelease(async (release) => {
    const scope = path.join(release, '..', '@latchkey');
    const folder = path.join(scope, fs.readdirSync(scope)[0]);
    const files = [
      path.join(folder, require(path.join(folder, 'package.json')).main),
      `${release}/native/binding.js`,
    ];
    for (let i = 0; i <= STARTS; i++) {
      for (const [at, label] of Object.keys(times).entries())
        times[label].push((await load(files[at])).elapsed);
    }
  });
  // The first one of each fills the system's caches.
  for (const [label, each] of Object.entries(times))
    console.log(`${label}: ${median(each.slice(1)).toFixed(2)} ms`);
}

void main();
