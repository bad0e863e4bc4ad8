// A request waits, and runs later. Which AsyncLocalStorage does it see?

const { AsyncLocalStorage } = require('node:async_hooks');
const { scenario } = require('./scenario');

scenario(__filename, {
  title: 'The async context of a function that had to wait',

  async main({ locks, log }) {
    const storage = new AsyncLocalStorage();
    let release;
    const first = locks.write('page', {}, () => new Promise((resolve) => (release = resolve)));
    const second = storage.run('request 2', () =>
      locks.write('page', {}, () => log(`asked in 'request 2', runs in '${storage.getStore()}'`)),
    );
    storage.run('request 1', () => setImmediate(release));
    await Promise.all([first, second]);
  },
});
