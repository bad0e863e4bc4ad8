// A worker holds a lock, and the main thread asks who does.

const { scenario } = require('./scenario');

scenario(__filename, {
  title: 'query() in the main thread, while a worker holds a lock',

  async worker({ locks, say }) {
    setInterval(() => {}, 1000);
    await locks.write('account', {}, () => {
      say('holding');
      return new Promise(() => {});
    });
  },

  async main({ locks, start, log }) {
    await start().said('holding');
    const { held } = await locks.query();
    if (held.length === 0) log('nobody holds anything');
    for (const { name, key = name, thread } of held) log(`'${key}' is held by thread ${thread}`);
    process.exit();
  },
});
