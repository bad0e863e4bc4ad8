// Plain JavaScript under checkJs: classes that extend `Locks`, in the process and on a store.

const { Locks } = require('latchkey');

class Orders extends Locks {
  constructor() {
    super({ name: 'orders' });
  }

  close() {
    super.close();
  }
}

/** @extends {Locks<string>} */
class StoredOrders extends Locks {
  constructor() {
    super({ name: 'orders', store: 'redis://localhost' });
  }
}

/** @type {import('latchkey').Hold | null} */
const hold = new Orders().tryWrite('key');
/** @type {Promise<import('latchkey').StoredHold | null>} */
const storedHold = new StoredOrders().tryWrite('key');
console.log(hold, storedHold);
