// How long it takes to ask for one lock so many times while it is held, and then to serve them all.

const { scenario } = require('./scenario');

scenario(__filename, {
  title: 'A queue four times as long takes how much longer?',

  async main({ locks, log }) {
    // The first round warms the engine up, and is not shown.
    for (const [round, length] of [4000, 1000, 4000, 16000].entries()) {
      let release;
      const all = [locks.write('page', {}, () => new Promise((resolve) => (release = resolve)))];
      await new Promise(setImmediate);

      const start = performance.now();
      for (let i = 0; i < length; i++) all.push(locks.write('page', {}, async () => {}));
      release();
      await Promise.all(all);
      const ms = performance.now() - start;
      if (round === 0) continue;
      const each = (ms * 1000) / length;
      log(
        `${String(length).padStart(5)} requests: ${ms.toFixed(0).padStart(5)} ms, ${each.toFixed(1)} µs each`,
      );
    }
  },
});
