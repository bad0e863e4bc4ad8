'use strict';
// `npm run test:loom`: the models of what threads share (crates/engine/tests/loom.rs), in every interleaving with up to
// three preemptions: loom's authors say that two or three catch most faults, and without a bound it takes for ever.
//
// They are built apart, because loom takes the place of the standard library's locks in the whole engine.

const { spawnSync } = require('node:child_process');

const { status } = spawnSync(
  'cargo',
  ['test', '--package', 'latchkey-engine', '--release', '--test', 'loom'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      RUSTFLAGS: '--cfg loom',
      CARGO_TARGET_DIR: 'target/loom',
      LOOM_MAX_PREEMPTIONS: '3',
    },
  },
);
process.exitCode = status ?? 1;
