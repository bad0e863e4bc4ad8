// A worker waits for a lock, and has nothing else to do. The main thread holds it for half a second.

const { scenario } = require('./scenario');

scenario(__filename, {
  title: 'A worker that only waits for a lock',

  async worker({ locks, say }) {
    say('asks');
    await locks.write('account', {}, () => say('granted'));
  },

  async main({ locks, start, sleep, log }) {
    let release;
    const held = locks.write('account', {}, () => new Promise((resolve) => (release = resolve)));
    const worker = start();
    let granted = false;
    worker.on('message', (message) => (granted ||= message === 'granted'));
    const ended = new Promise((resolve) =>
      worker.on('exit', (code) => {
        log(
          `the worker ended with exit code ${code}; it was ${granted ? 'granted the lock' : 'never granted'}`,
        );
        resolve();
      }),
    );
    await worker.said('asks');
    await sleep(500);
    log('the main thread lets go');
    release();
    await Promise.all([held, ended]);
  },
});
