// A worker holds the lock and is terminated. Who is notified that the lock is free?

const { scenario } = require('./scenario');

scenario(__filename, {
  title: 'The holder’s worker is terminated while others wait',

  async worker({ locks, say }) {
    setInterval(() => {}, 1000);
    await locks.write('account', {}, () => {
      say('holding');
      return new Promise(() => {});
    });
  },

  async main({ locks, start, sleep, log }) {
    const worker = start();
    await worker.said('holding');

    let granted = false;
    const request = locks.write('account', {}, (hold) => {
      granted = true;
      const ms = performance.now() - ended;
      log(`granted ${ms < 50 ? 'within 50 ms' : `after ${(ms / 1000).toFixed(1)} s`}`);
      if (hold.recovered) log('hold.recovered is true: the data may be half written');
    });
    await sleep(100);
    log('the main thread waits for the lock; now its holder, a worker, is terminated');
    const ended = performance.now();
    await worker.terminate();

    await sleep(2000);
    if (!granted) {
      log('2 s later it still waits, though nobody holds the lock; now somebody asks for another one');
      await locks.write('something-else', {}, () => {});
      await request;
    }
    process.exit();
  },
});
