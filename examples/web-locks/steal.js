// A worker holds a lock for too long, and the main thread takes it away: `steal` in Web Locks. latchkey has no
// steal; it has an expiry, which takes a hold away when it is over and another one waits.

const { scenario } = require('./scenario');

scenario(__filename, {
  title: 'The main thread takes a lock away from a worker',
  runs: 20,

  async worker({ locks, say }) {
    setInterval(() => {}, 1000);
    try {
      await locks.write('account', { expiry: 20 }, (hold) => {
        say('holding');
        // latchkey's hold learns of its loss at once, and can stop.
        return new Promise((resolve) => hold.signal?.addEventListener('abort', resolve));
      });
    } catch (error) {
      say(error.code ?? error.name);
    }
  },

  async main({ side, locks, start, sleep, log }) {
    const worker = start();
    const notice = new Promise((resolve) =>
      worker.on('message', (message) => message !== 'holding' && resolve(message)),
    );
    await worker.said('holding');
    const options = side === 'latchkey' ? {} : { steal: true };
    await locks.write('account', options, () => {});
    log('the main thread had the lock');
    log(`the worker was notified: ${await Promise.race([notice, sleep(1000)])}`);
    await worker.terminate();
  },
});
