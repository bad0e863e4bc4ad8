'use strict';
// One request of a torture program: asks, holds, lets go, and writes each step down.

const { LockError, LockExpiredError } = require('latchkey');

const ABORTED = new Error('aborted by the program');
const OWN = new Error('thrown by the program');
const FAILURES = ['ERR_LOCK_TIMEOUT', 'ERR_LOCK_CLOSED', 'ERR_LOCK_QUEUE_FULL'];

class Request {
  static ABORTED = ABORTED;

  /**
   * @param {import('./program').Program} program
   * @param {{ keys: number[], several: boolean, mode: 'read' | 'write', expiry: number }} wish keys in order
   * @param {{ hold: () => unknown, downgrade: boolean, again: boolean }} habits
   */
  constructor(program, wish, habits) {
    this.program = program;
    this.wish = wish;
    this.habits = habits;
    this.number = program.log.newRequest();
    this.granted = false;
    this.lost = false;
    this.releasing = false;
    /** Whether the answer to its release has said that it had expired: then its signal says so later, or not at all. */
    this.knowsEnd = false;
    /** Whether it may fail because a store was away. */
    this.mayMeetNobody = false;
  }

  /** Takes a hold and releases it. */
  async take(ask) {
    let hold;
    try {
      hold = await this.#asking(ask);
    } catch (error) {
      return this.#fail(error);
    }
    await this.#useAndRelease(hold);
  }

  /** Has a function run with the hold. Some throw. */
  async run(ask) {
    const throws = this.habits.again;
    try {
      await this.#asking(() =>
        ask(async (hold) => {
          await this.#use(hold);
          this.releasing = true;
          if (!this.lost) this.#write('releasing');
          if (throws) throw OWN;
        }),
      );
      if (throws) throw new Error('the error of the function did not come out');
    } catch (error) {
      if (!this.granted) return this.#fail(error);
      if (throws ? error !== OWN : !(error instanceof LockExpiredError && (this.lost || this.#later)))
        throw error;
      // A store says so in its answer to the release only, or to nobody where the function's own error came first.
      if (!this.lost && this.#later && this.wish.expiry > 0) {
        this.knowsEnd = true;
        this.#write(throws || this.wish.several ? 'ended' : 'expired');
      } else this.#leave();
      return;
    }
    if (this.lost) throw new Error('the hold was lost, and the call was a success');
    this.#leave();
  }

  /** tryRead or tryWrite. */
  async attempt(ask) {
    const asked = this.#asking(ask);
    let hold;
    try {
      hold = asked instanceof Promise ? await asked : asked;
    } catch (error) {
      return this.#fail(error);
    }
    if (hold === null) this.#write('failed');
    else await this.#useAndRelease(hold);
  }

  /** The callback API. */
  callback(ask) {
    return new Promise((resolve, reject) => {
      const done = (error) => {
        if (error instanceof LockExpiredError) {
          this.lost = true;
          this.#write('expired');
          resolve();
        } else if (error === this) {
          this.#write('released');
          resolve();
        } else {
          reject(new Error(`the release callback got ${error}`));
        }
      };
      const obtained = (release) => {
        // The callback API gives no fence.
        this.#grantBy(this.#lookUp());
        this.#holdThen(() => {
          if (this.lost) return;
          this.#write('releasing');
          release(this);
          if (this.habits.again) release('again');
        }).catch(reject);
      };
      this.#asking(() => ask(done, obtained));
    });
  }

  #asking(ask) {
    this.#write('asked', { write: this.wish.mode === 'write', expiry: this.wish.expiry });
    const asked = ask();
    // Of several keys, only the first one is asked for before the call returns.
    this.#write('returned', {}, this.wish.keys.slice(0, 1));
    return asked;
  }

  async #useAndRelease(hold) {
    await this.#use(hold);
    if (!this.lost) {
      const answer = this.#release(hold);
      if (answer === undefined) this.#leave();
      else
        await answer.then(
          () => this.#leave(),
          (error) => this.#leaveExpired(error),
        );
    }
    if (this.habits.again) hold.release();
  }

  /** Holds for a while, and notices when the hold is taken away. */
  async #use(hold) {
    this.#grant(hold);
    // Read once: each reading looks at the clock, and may find that the hold is lost.
    const { signal } = hold;
    if (signal.aborted) this.#lose(hold);
    else signal.addEventListener('abort', () => this.#lose(hold), { once: true });
    await this.#holdThen(() => {
      return this.habits.downgrade && !this.lost ? this.#downgrade(hold) : undefined;
    });
  }

  async #holdThen(action) {
    // Synchronously, when nothing is waited for: then the hold ends before the call that asked returns.
    const held = this.habits.hold();
    if (held !== undefined) await held;
    const answer = action();
    if (answer !== undefined) await answer;
  }

  #downgrade(hold) {
    this.#write('downgrading');
    const answer = hold.downgrade();
    // Its rejection is a loss, which the signal reports, too.
    if (answer !== undefined)
      return answer.then(
        () => this.#downgraded(hold),
        () => {},
      );
    this.#downgraded(hold);
  }

  #downgraded(hold) {
    if (this.lost) return;
    if (hold.mode !== 'read') throw new Error('downgraded, and still a write hold');
    // Of several keys some may have been lost at this very moment.
    if (!this.wish.several || this.wish.expiry === 0) this.#write('downgraded');
  }

  #grant(hold) {
    if (hold.mode !== this.wish.mode) throw new Error(`asked to ${this.wish.mode}, got a ${hold.mode} hold`);
    this.#grantBy(this.wish.several ? this.#lookUpAll(hold) : [hold]);
  }

  /** What the engine knows of each of several keys, as far as it is certain. */
  #lookUpAll(hold) {
    const found = this.#lookUp();
    const fences = found.map(({ fence = 0 }) => fence);
    if (Math.max(...fences) > hold.fence) throw new Error(`fences ${fences}, and ${hold.fence} is given`);
    // The highest fence is that of the key taken last; if none is recovered, no one is.
    found[found.length - 1].fence = hold.fence;
    return hold.recovered ? found : found.map(({ fence }) => ({ fence, recovered: false }));
  }

  /** What the engine says of each key, unless the hold may be gone already or be taken for another one. */
  #lookUp() {
    const { keys, mode, expiry } = this.wish;
    return keys.map((key) => ({ ...(expiry > 0 ? null : this.program.lookUp(key, mode)) }));
  }

  #grantBy(found) {
    this.granted = true;
    this.wish.keys.forEach((key, i) => {
      const { fence, recovered } = found[i];
      this.#write('granted', { fence, recovered }, [key]);
    });
  }

  #lose(hold) {
    // The answer to its release has said so before.
    if (this.knowsEnd) return;
    if (this.lost) throw new Error('lost twice');
    this.lost = true;
    if (!(hold.signal.reason instanceof LockExpiredError)) throw hold.signal.reason;
    if (!this.wish.several) return this.#write('expired');
    // One of several keys was lost, and the others perhaps: they are let go.
    if (!this.releasing) this.#release(hold);
    this.#write('ended');
  }

  #release(hold) {
    this.releasing = true;
    this.#write('releasing');
    return hold.release();
  }

  /** A store's answer to the release says that the hold had been taken away. */
  #leaveExpired(error) {
    if (!(error instanceof LockExpiredError)) throw error;
    if (this.lost) return;
    this.knowsEnd = true;
    this.#write(this.wish.several ? 'ended' : 'expired');
  }

  get #later() {
    return this.program.later;
  }

  #leave() {
    if (this.lost) return;
    this.#write(this.wish.several && this.wish.expiry > 0 ? 'ended' : 'released');
  }

  #fail(error) {
    const expected = error === ABORTED || (error instanceof LockError && FAILURES.includes(error.code));
    if (!expected && !this.#metNobody(error)) this.#lostOnTheWay(error);
    this.#write('failed', { why: error.code });
  }

  #metNobody({ code }) {
    return this.mayMeetNobody && code === 'ERR_STORE_UNREACHABLE';
  }

  /** Several keys, and one expired while another was waited for: none is held. Anything else is a fault. */
  #lostOnTheWay(error) {
    if (!(this.wish.several && this.wish.expiry > 0 && error instanceof LockExpiredError)) throw error;
    return null;
  }

  #write(kind, fields = {}, keys = this.wish.keys) {
    const { log, thread } = this.program;
    for (const key of keys) log.add(kind, { thread, request: this.number, key, ...fields });
  }
}

module.exports = { Request };
