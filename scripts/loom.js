'use strict';
// `npm run test:loom`: the models of what threads share, in every interleaving (crates/engine/tests/loom.rs).
//
// They are built apart, because loom takes the place of the standard library's locks in the whole engine.

const { spawnSync } = require('node:child_process');

const { status } = spawnSync(
  'cargo',
  ['test', '--package', 'latchkey-engine', '--release', '--test', 'loom'],
  {
    stdio: 'inherit',
    env: { ...process.env, RUSTFLAGS: '--cfg loom', CARGO_TARGET_DIR: 'target/loom' },
  },
);
process.exitCode = status ?? 1;
