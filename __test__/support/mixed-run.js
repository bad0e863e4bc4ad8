'use strict';
// Runs a mixed program on the real locks, and reports all that it sees to the model and the errors' ledger.
//
// It knows what is running: calls of the library, and callbacks that the library called, each inside the one before. So it
// can say which call an error may come out of, and where somebody may be called a little later than at once.

const { MixedProgram } = require('./mixed-program');
const { Model } = require('./mixed-model');
const { Published } = require('./mixed-published');
const { Errors } = require('./mixed-errors');
const { Frames } = require('./mixed-frames');
const { MixedSpaces, MixedSignals, Subscribers, Holds } = require('./mixed-parts');
const { pause } = require('./twin-log');
const { randomFrom } = require('./random');
const { block, sleep } = require('./until');

/** How many calls of the library a program makes, at least. */
const OPERATIONS = 200;
/** How often a subscriber that does not always listen comes and goes: after so many calls. */
const TOGGLE = 40;
/** How long, in milliseconds and in turns of the event loop, nothing may happen in the end before whoever waits is lost. */
const PATIENCE = { time: 400, turns: 40 };

/** Whose a call is that is no request's. */
const NOBODY = { number: '-', ids: [] };

const turn = () => new Promise(setImmediate);

class MixedRun {
  trace = [];
  operations = 0;
  grants = 0;
  #violated;
  #isGood = true;
  #program;
  #model = new Model((...complaint) => this.#complain(...complaint));
  #published = new Published(this.#model, (...complaint) => this.#complain(...complaint));
  #errors = new Errors((...complaint) => this.#complain(...complaint));
  #spaces;
  #signals;
  #subscribers;
  #frames = new Frames((ids) => this.#model.checkLate(ids));
  #holds = new Holds();
  #warned = 0;
  #isDraining = false;
  #isOver = false;

  /**
   * @param {number} seed
   * @param {typeof import('latchkey')} latchkey
   * @param {(kind: string, line: number) => void} violated called at each violation, with its line in the trace
   */
  constructor(seed, latchkey, violated) {
    this.#violated = violated;
    this.#program = new MixedProgram(randomFrom(seed));
    this.#spaces = new MixedSpaces(latchkey, this.#program, seed, () => this.#warn());
    this.#signals = new MixedSignals();
    this.#subscribers = new Subscribers((what, message) => this.#hear(what, message));
  }

  async run() {
    const uncaught = (error) => {
      this.#log(`uncaught: ${error?.message}`);
      this.#errors.uncaught(error);
    };
    const unhandled = (error) => this.#complain('unhandled rejection', null, String(error?.stack ?? error));
    process.on('uncaughtException', uncaught).on('unhandledRejection', unhandled);
    this.#subscribers.listen(this.#program.listens !== 'never');
    try {
      for (const step of this.#program.steps()) {
        if (this.operations >= OPERATIONS) break;
        if (this.#program.listens === 'sometimes')
          this.#subscribers.listen(Math.floor(this.operations / TOGGLE) % 2 === 0);
        await this.#do(step, null);
      }
      await this.#drain();
    } finally {
      this.#subscribers.listen(false);
      process.off('uncaughtException', uncaught).off('unhandledRejection', unhandled);
    }
  }

  #complain(kind, request, text) {
    if (this.#isOver) return;
    const [id] = request?.ids ?? [];
    const where = id === undefined ? '' : this.#spaces.isPrivate(id) ? ' (private)' : ' (named)';
    this.#log(
      `VIOLATION: ${kind}${where}: ${request === null ? '' : `#${request.number} of ${id}: `}${text}`,
    );
    this.#isGood = false;
    this.#violated(`${kind}${where}`, this.trace.length - 1);
  }

  #log(text) {
    this.trace.push(`${'. '.repeat(Math.min(this.#frames.depth, 12))}${text}`);
  }

  /** Does a step. @returns {Promise<void> | undefined} what has to be awaited, if the step takes time */
  #do(step, request) {
    if ('ask' in step) return void this.#ask(step);
    const { do: what, at } = step;
    if (what === 'turn') return turn().then(() => this.#model.turned());
    if (what === 'pause') return pause(Math.floor(at * 6));
    this.#doNow(what, at, step.steps, request);
  }

  #doNow(what, at, steps, request) {
    const pick = (list) => list[Math.floor(at * list.length)];
    if (what === 'release') this.#release(pick(this.#holds.all()));
    else if (what === 'own') this.#release(this.#holds.of(request?.number));
    else if (what === 'releaseOf') this.#release(this.#holds.of(at));
    else if (what === 'all') this.#doAll(steps, request);
    else if (what === 'again') this.#releaseAgain(pick(this.#holds.ended()));
    else if (what === 'downgrade') this.#downgrade(pick(this.#holds.writers()));
    else if (what === 'abort') this.#abort(pick(this.#signals.unaborted()), at);
    else if (what === 'abortAsking') this.#abort(this.#signals.of(this.#frames.asking()?.signal), at);
    else if (what === 'close') this.#close(pick(this.#spaces.closable()));
    else if (what === 'closeAsking') this.#close(this.#frames.asking()?.slot);
    else if (what === 'open') this.#spaces.reopen(pick(this.#spaces.closed()));
    else if (what === 'query') this.#query(pick(this.#spaces.promises()));
    else {
      this.#log(`busy for ${at} ms`);
      block(at);
    }
  }

  #doAll(steps, request) {
    if (!this.#isDraining) for (const step of steps) void this.#do(step, request);
  }

  /** Makes a call of the library. @returns {{ value?: any, error?: unknown, call: object }} */
  #call(api, request, text, run, asks = false) {
    this.operations++;
    this.#log(`#${request.number} ${text}`);
    const result = this.#frames.call({ api, request, asks }, run);
    if (result.error !== undefined) this.#log(`#${request.number} ${text}: threw ${result.error?.message}`);
    return result;
  }

  /** A call that may throw nothing but what its callbacks do. */
  #callSafely(...args) {
    const { error, call, value } = this.#call(...args);
    if (error !== undefined) this.#errors.outOfCall(error, call);
    return value;
  }

  /** Runs what the library has called. A throw of the program's ends it. */
  #callback(request, text, body, throws = false) {
    const name = `#${request?.number ?? '-'} ${text}`;
    this.#log(name);
    this.#frames.callback(request, body);
    if (!throws || this.#isDraining) return;
    this.#log(`${name}: throws`);
    throw this.#errors.make(name, this.#frames.running());
  }

  #ask(step) {
    const slot = this.#spaces.slots[step.on];
    const request = this.#spaces.request(step);
    if (slot.spec.sort !== 'Locks') this.#askForCallback(step, slot, request);
    else if (step.tries) this.#try(step, slot, request);
    else this.#askForPromise(step, slot, request);
  }

  #asked(request) {
    this.#model.returned(request, {
      isDeep: this.#frames.isDeep,
      mayBeLate: this.#frames.mayBeLate(request.ids),
    });
  }

  #askForCallback(step, slot, request) {
    const { inside, after, throws } = step;
    const obtained = (give) => {
      const body = () => {
        this.#see(request, { request, give });
        this.#doAll(inside, request);
      };
      this.#callback(request, 'obtained', body, throws.inside);
    };
    const released = (...args) => {
      const body = () => {
        // From the event loop, those who come after it are called next.
        const mayBeLate = this.#frames.depth === 1 || this.#frames.mayBeLate(request.ids, 1);
        this.#model.notified(request, args, mayBeLate);
        this.#holds.forget(request);
        this.#doAll(after, request);
      };
      this.#callback(request, `released(${args})`, body, throws.after);
    };
    this.#model.asked(request);
    const ask = () =>
      slot.ask(request.mode, request.keys[0], request.hasReleaseCallback ? released : null, obtained);
    this.#callSafely('callback', request, this.#spaces.describe(request), ask, true);
    this.#asked(request);
  }

  #askForPromise(step, slot, request) {
    const signal = this.#signals.choose(step.signal, (abort) => this.#signalled(step.signal, abort));
    request.signal = signal;
    const options = this.#spaces.options(step, signal);
    const fn = step.hasFn ? (hold) => this.#runFn(step, request, hold) : undefined;
    this.#model.asked(request);
    const ask = () => slot.locks[request.mode](keyOrKeys(request), options, fn);
    const taken = this.#callSafely('promise', request, this.#spaces.describe(request), ask, true);
    if (taken === undefined) return void this.#model.rejected(request, null);
    this.#asked(request);
    const seen = (value) => {
      this.#log(`#${request.number} fulfilled`);
      if (step.hasFn) this.#model.fulfilled(request, value);
      else this.#see(request, this.#toHold(request, value), step);
      if (step.hasFn) this.#holds.forget(request);
    };
    taken.then(seen, (error) => this.#rejected(request, error));
  }

  #rejected(request, error) {
    this.#log(`#${request.number} rejected: ${error?.message ?? String(error)}`);
    this.#holds.forget(request);
    const isKnown = this.#errors.isOurs(error);
    if (isKnown) this.#errors.outOfPromise(error, request);
    if (!this.#model.rejected(request, error) && !isKnown)
      this.#complain('wrong error', request, `rejected with ${error?.stack ?? String(error)}`);
  }

  #runFn(step, request, hold) {
    let next = 0;
    this.#callback(request, 'fn runs', () => {
      this.#see(request, this.#toHold(request, hold), step);
      for (; next < step.inside.length && !takesTime(step.inside[next]); next++)
        this.#doAll([step.inside[next]], request);
    });
    return next < step.inside.length ? this.#runRest(step, request, next) : this.#finish(step, request);
  }

  async #runRest(step, request, next) {
    for (const each of step.inside.slice(next)) if (!this.#isDraining) await this.#do(each, request);
    return this.#finish(step, request);
  }

  #finish({ throws }, request) {
    const result = { of: request.number };
    this.#model.finishing(request, result);
    this.#log(`#${request.number} fn ends`);
    if (throws.inside && !this.#isDraining) throw this.#errors.make(`#${request.number} fn`, [], request);
    return result;
  }

  #try(step, slot, request) {
    this.#model.asked(request);
    const options = this.#spaces.options(step, null);
    const method = request.mode === 'read' ? 'tryRead' : 'tryWrite';
    const ask = () => slot.locks[method](keyOrKeys(request), options);
    const text = `${this.#spaces.describe(request)}, tries`;
    const { value, error, call } = this.#call('promise', request, text, ask, true);
    if (error !== undefined) {
      const isAllowed = error?.code === 'ERR_LOCK_CLOSED' && slot.object.closed;
      if (!isAllowed) this.#errors.outOfCall(error, call);
      this.#model.rejected(request, error);
    } else if (value === null) {
      this.#log(`#${request.number} got null`);
      this.#model.refused(request, this.#frames.isDeep);
    } else {
      this.#see(request, this.#toHold(request, value), step);
    }
  }

  #toHold(request, hold) {
    return { request, hold, give: () => hold.release() };
  }

  /** A request was granted. */
  #see(request, entry, step = null) {
    const { hold = null } = entry;
    this.grants++;
    this.#log(`#${request.number} holds ${hold === null ? '' : `fence ${hold.fence}`}`);
    this.#model.granted(request, hold);
    this.#holds.add(entry);
    if (hold === null || step.after === null) return;
    const { signal } = hold;
    const body = () => {
      this.#model.lost(request);
      this.#doAll(step.after, request);
    };
    const listener = () => this.#callback(request, 'lost', body, step.throws.after);
    if (!signal.aborted) signal.addEventListener('abort', listener);
  }

  #release(entry) {
    if (entry === undefined) return;
    const { request } = entry;
    this.#holds.forget(request);
    const args = request.api === 'callback' ? [`of ${request.number}`] : [];
    this.#model.releasing(request, args);
    this.#callSafely(request.api, request, 'is released', () => entry.give(...args));
    this.#model.released(request, this.#frames.mayBeLate(request.ids));
  }

  #releaseAgain(entry) {
    if (entry === undefined) return;
    this.#callSafely(entry.request.api, entry.request, 'is released again', () => entry.give('again'));
  }

  #downgrade(entry) {
    if (entry === undefined) return;
    const { request, hold } = entry;
    this.#model.downgrading(request);
    this.#callSafely('promise', request, 'is downgraded', () => hold.downgrade());
    this.#model.downgraded(request, this.#frames.mayBeLate(request.ids));
  }

  #abort(controller, at) {
    if (controller === undefined || controller.signal.aborted) return;
    this.#model.leaving(({ signal }) => signal === controller.signal, 'aborted');
    const reason = at < 0.8 ? new Error(`abort ${this.operations}`) : undefined;
    this.#callSafely('promise', NOBODY, `abort of signal ${controller.number}`, () =>
      controller.abort(reason),
    );
  }

  /** A signal of the program's was aborted: its own listener. */
  #signalled({ steps, throws }, abort) {
    if (abort !== undefined) return this.#abort(abort, 0);
    this.#callback(null, 'signal aborted', () => this.#doAll(steps, null), throws);
  }

  #close(slot) {
    if (slot === undefined || slot.locks === null || slot.object.closed) return;
    this.#model.leaving(({ object }) => object === slot.object, 'closed');
    slot.object.closed = true;
    this.#callSafely('promise', NOBODY, `close of ${slot.on}`, () => slot.locks.close());
  }

  #query(slot) {
    if (slot === undefined) return;
    const holders = this.#spaces.idsOf(slot).map((id) => [id, this.#model.holders(id)]);
    const { value, error, call } = this.#call('promise', NOBODY, `query of ${slot.on}`, () =>
      slot.locks.query(),
    );
    if (slot.object.closed && error?.code === 'ERR_LOCK_CLOSED') return;
    if (error !== undefined) return this.#errors.outOfCall(error, call);
    for (const [id, count] of holders) {
      const held = value.held.filter(({ key }) => id.endsWith(`|${key}`)).length;
      if (held < count) this.#complain('query', { number: '-', ids: [id] }, `${held} held, ${count} hold`);
    }
  }

  #hear(what, message) {
    const id = this.#spaces.idOf(message);
    if (id === undefined) return;
    const { steps, throws } = this.#subscribers.next(this.#program.messages);
    const body = () => {
      if (this.#program.listens === 'always')
        this.#published.heard(what, id, message.fence, this.#frames.isDeep);
      this.#doAll(steps, null);
    };
    this.#callback(null, `${what} of ${id}, fence ${message.fence}, is heard`, body, throws);
  }

  #warn() {
    const { steps, throws } = this.#program.warnings[this.#warned++ % this.#program.warnings.length];
    const body = () => {
      // What it causes is delivered after the one who has lost its hold.
      this.#frames.isDeep = true;
      this.#doAll(steps, null);
    };
    this.#callback(null, 'warned', body, throws);
  }

  /** Releases whatever is held until nobody waits, or nothing comes any more. */
  async #drain() {
    this.#isDraining = true;
    this.#log('the end: all is released');
    let [lines, since, idle] = [0, performance.now(), 0];
    while (this.#model.size > 0 && (idle < PATIENCE.turns || performance.now() - since < PATIENCE.time)) {
      for (const entry of this.#holds.all()) this.#release(entry);
      await (idle < 3 ? turn() : sleep(1));
      this.#model.turned();
      if (this.trace.length !== lines) [lines, since, idle] = [this.trace.length, performance.now(), 0];
      else idle++;
    }
    // Uncaught exceptions come a little later.
    for (let i = 0; i < 3; i++) await turn();
    this.#model.ended();
    this.#errors.ended();
    // In the end every key is free.
    if (this.#isGood)
      for (const [id, text] of this.#spaces.probe())
        this.#complain('not free in the end', { number: '-', ids: [id] }, text);
    this.#isOver = true;
    this.#spaces.closeAll();
  }
}

const takesTime = (step) => step.do === 'turn' || step.do === 'pause';
const keyOrKeys = ({ keys }) => (keys.length === 1 ? keys[0] : keys);

module.exports = { MixedRun };
