'use strict';
// `npm run fuzz [seconds]`: a fuzzer plays operations on both kinds of the engine's spaces against the model of the property
// tests (crates/engine/fuzz), for a minute unless asked for longer. What it has found worth keeping it begins with the next time.
//
// Needs a nightly compiler, and cargo-fuzz: `cargo install cargo-fuzz`.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { ROOT } = require('./command');

const [seconds = '60'] = process.argv.slice(2);

/** Longer programs find little more, and take longer each. */
const MAX_BYTES = 512;

const { status } = spawnSync(
  'cargo',
  ['+nightly', 'fuzz', 'run', 'engine', '--', `-max_total_time=${seconds}`, `-max_len=${MAX_BYTES}`],
  { stdio: 'inherit', cwd: path.join(ROOT, 'crates/engine') },
);
process.exitCode = status ?? 1;
