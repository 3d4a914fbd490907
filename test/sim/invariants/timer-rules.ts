/**
 * Every message has a cause, and every due message is sent: each rule of whitepaper 6, checked by
 * an observer of the wire. There are no more handshakes than the timers allow: one in 5 s (a
 * restart and a clock jump restart this limit, the latter once in 5 s), retries after 5 s to 5.333
 * s, and none after giving up until there is something to send. Keepalives are sent exactly on
 * time, and nothing is sent without a reason.
 */
import type { DeviceEvent } from '../../../src/wireguard/device.js';
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { SIDES, type End, type Side, type Trigger } from '../end.js';
import {
  Violation,
  type Incident,
  type Invariant,
  type World,
  type Received,
  type Sent,
} from '../invariant.js';
import { SessionModel } from './session-model.js';
import { LONGEST_ATTEMPT, SHORTEST_ATTEMPT, TimerModel } from './timer-model.js';

const REKEY_AFTER_TIME = 120_000;
const REKEY_ON_RECEIVE_AFTER_TIME = 165_000;
const KEEPALIVE_LENGTH = 32;

/** What the device did in one call, and what was due before it. */
class Call {
  readonly sent: Sent[] = [];
  received: Received | undefined;
  jumped = false;
  /** True if a handshake was in progress, or packets waited for one, before the call. */
  wasWanted = false;
  gaveUp = false;
  passiveExpires = false;
  /** True if the passive keepalive is due and nothing can have postponed it. */
  passiveMustExpire = false;
  persistentExpires = false;
  newHandshakeMayExpire = false;
  /** True if a received message requests a rekey (6.2). */
  asksForRekey = false;

  get hasSentHandshake(): boolean {
    return this.sent.some(({ type }) => type === INITIATION || type === RESPONSE);
  }
}

class Observed {
  readonly sessions = new SessionModel();
  readonly timers: TimerModel;
  call = new Call();

  constructor(end: End) {
    this.timers = new TimerModel(end.options.persistentKeepalive, end.now);
  }
}

export class TimerRules implements Invariant {
  readonly name = 'timer-rules';
  readonly #world: World;
  readonly #observed: Record<Side, Observed>;

  constructor(world: World) {
    this.#world = world;
    const { alice, bob } = world.ends;
    this.#observed = { alice: new Observed(alice), bob: new Observed(bob) };
  }

  incident(end: End, incident: Incident): void {
    if (incident === 'restarted') this.#observed[end.side] = new Observed(end);
  }

  acting(end: End): void {
    const observed = this.#observed[end.side];
    observed.call = new Call();
    observed.call.wasWanted = observed.timers.retry !== undefined || end.peer.stagedPackets > 0;
  }

  transmitted(end: End, message: Sent): void {
    this.#observed[end.side].call.sent.push(message);
  }

  received(end: End, datagram: Received): void {
    this.#observed[end.side].call.received = datagram;
  }

  event(end: End, event: DeviceEvent): void {
    const { call } = this.#observed[end.side];
    if (event.type === 'clock-jumped') call.jumped = true;
    if (event.type === 'handshake-gave-up') call.gaveUp = true;
  }

  acted(end: End, trigger: Trigger): void {
    const observed = this.#observed[end.side];
    const { call, timers } = observed;
    const { now } = end;
    this.#checkOverdue(end, timers);
    if (call.jumped) {
      observed.sessions.discard();
      timers.clockJumped(now);
    }
    if (call.gaveUp) this.#gaveUp(end, observed);
    if (trigger === 'timeout') {
      call.passiveExpires = timers.isPassiveDue(now);
      call.passiveMustExpire = timers.passiveDue === now;
      call.persistentExpires = timers.persistentDue <= now;
      call.newHandshakeMayExpire = timers.mayBeUnanswered(now);
    }
    this.#takeReceived(observed, now);
    this.#want(end, observed, trigger);
    const { needsAnother } = timers;
    for (const message of call.sent) this.#takeSent(end, observed, trigger, message);
    this.#finish(end, observed, needsAnother);
  }

  #takeReceived({ call, sessions, timers }: Observed, now: number): void {
    const { received } = call;
    if (!received?.isAccepted) return;
    timers.anythingReceived();
    timers.traversal(now);
    const before = sessions.current;
    sessions.received(received, now);
    if (sessions.current !== before) timers.handshakeComplete();
    const age = sessions.ageAsInitiator(now) ?? 0;
    if (received.type !== DATA || age < REKEY_ON_RECEIVE_AFTER_TIME) return;
    call.asksForRekey = !sessions.current!.isAskedFor;
    sessions.current!.isAskedFor = true;
  }

  /** Determines whether the call requests a handshake, and whether it then begins one. */
  #want(end: End, { call, sessions, timers }: Observed, trigger: Trigger): void {
    const { now } = end;
    const speaks = trigger === 'offer' || call.passiveExpires || call.persistentExpires;
    const wants =
      call.asksForRekey ||
      (call.jumped && call.wasWanted) ||
      (speaks && this.#needsHandshake(sessions, now));
    if (wants) timers.lastWanted = timers.lastPerhapsWanted = now;
    if (call.newHandshakeMayExpire) timers.lastPerhapsWanted = now;
    if (!wants || end.peer.endpoint === undefined) return;
    if (timers.isPaced(now)) {
      const isDelayed = call.jumped || end.peer.stagedPackets > 0;
      if (!sessions.canSend(now) && isDelayed) timers.handshakeDelayed(now);
      return;
    }
    if (!call.hasSentHandshake) throw this.#violation(end, 'began no handshake that it needed');
  }

  #needsHandshake(sessions: SessionModel, now: number): boolean {
    const age = sessions.ageAsInitiator(now) ?? 0;
    return !sessions.canSend(now) || age >= REKEY_AFTER_TIME;
  }

  #takeSent(end: End, observed: Observed, trigger: Trigger, message: Sent): void {
    const { sessions, timers, call } = observed;
    const { now } = end;
    switch (message.type) {
      case INITIATION:
        this.#checkInitiation(end, observed, trigger);
        timers.initiationSent(now);
        break;
      case RESPONSE:
        if (call.received?.type !== INITIATION || !call.received.isAccepted) {
          throw this.#violation(end, 'sent a response to nothing');
        }
        timers.lastHandshakeSent = now;
        break;
      case DATA:
        this.#checkData(end, observed, trigger, message);
        if (message.bytes.length > KEEPALIVE_LENGTH) timers.dataSent(now);
        break;
      default:
        throw this.#violation(end, `sent a message of type ${message.type} for no reason`);
    }
    sessions.sent(message, now);
    timers.anythingSent();
    timers.traversal(now);
  }

  #checkInitiation(end: End, observed: Observed, trigger: Trigger): void {
    const { sessions, timers, call } = observed;
    const { now } = end;
    if (timers.isPaced(now)) {
      const since = now - timers.lastHandshakeSent;
      throw this.#violation(end, `sent an initiation ${since} ms after its last handshake message`);
    }
    if (call.asksForRekey || (call.jumped && call.wasWanted)) return;
    const isNeeded = this.#needsHandshake(sessions, now);
    if (trigger === 'offer' && isNeeded) return;
    if (trigger === 'timeout') {
      if (call.newHandshakeMayExpire) return;
      if ((call.passiveExpires || call.persistentExpires) && isNeeded) return;
      if (timers.mayRetry(now)) {
        if (now - timers.lastPerhapsWanted <= LONGEST_ATTEMPT) return;
        throw this.#violation(end, 'retries a handshake for longer than it may');
      }
    }
    throw this.#violation(end, `sent an initiation for no reason (on ${trigger})`);
  }

  #checkData(end: End, { sessions, call }: Observed, trigger: Trigger, message: Sent): void {
    if (!sessions.canSend(end.now)) throw this.#violation(end, 'sent data without a session');
    if (message.bytes.length > KEEPALIVE_LENGTH) return;
    const isConfirmation = call.received?.type === RESPONSE && call.received.isAccepted;
    if (isConfirmation || call.passiveExpires || call.persistentExpires) return;
    throw this.#violation(end, `sent a keepalive for no reason (on ${trigger})`);
  }

  /**
   * Checks that all due messages were sent in this call, and schedules answers to received
   * messages.
   */
  #finish(end: End, { call, sessions, timers }: Observed, neededAnother: boolean): void {
    const { now } = end;
    const { received } = call;
    if (end.peer.stagedPackets > 0 && sessions.canSend(now)) {
      throw this.#violation(end, 'lets packets wait that it could send');
    }
    const isSilent = call.sent.length === 0;
    const isForbidden = timers.isPaced(now) && !sessions.canSend(now);
    const mayBeSilent = isForbidden || end.peer.endpoint === undefined;
    if (call.passiveExpires) {
      if (call.passiveMustExpire && isSilent && !mayBeSilent) {
        throw this.#violation(end, 'failed to answer data in 10 s');
      }
      timers.passiveDue = undefined;
      // A retry at the same time may have come first, after which nothing more is due.
      timers.passiveExpired(neededAnother, !call.hasSentHandshake, now);
    }
    if (call.persistentExpires && isSilent) {
      if (!mayBeSilent) throw this.#violation(end, 'failed to send its persistent keepalive');
      timers.traversal(now);
    }
    if (!received?.isAccepted) return;
    if (received.type === RESPONSE && isSilent) {
      throw this.#violation(end, 'failed to confirm the keys');
    }
    if (received.type === INITIATION && !call.hasSentHandshake) {
      throw this.#violation(end, 'failed to respond');
    }
    if (received.type === DATA && received.length > KEEPALIVE_LENGTH) timers.dataReceived(now);
  }

  #gaveUp(end: End, { timers }: Observed): void {
    const tried = end.now - timers.lastWanted;
    if (tried < SHORTEST_ATTEMPT) throw this.#violation(end, `gave up after ${tried} ms`);
    timers.gaveUp();
  }

  settled(): void {
    for (const side of SIDES) {
      const end = this.#world.ends[side];
      if (end.isAsleep) continue;
      const { timers } = this.#observed[side];
      this.#checkOverdue(end, timers);
      if ((timers.passiveDue ?? Infinity) <= end.now || timers.persistentDue <= end.now) {
        throw this.#violation(end, 'missed a keepalive');
      }
    }
  }

  #checkOverdue(end: End, timers: TimerModel): void {
    const { now } = end;
    if (!timers.isRetryOnTime(now, end.peer.endpoint !== undefined)) {
      throw this.#violation(end, 'failed to retry its handshake');
    }
    if (!timers.isNewHandshakeOnTime(now)) {
      throw this.#violation(end, 'began no handshake 15 s after unanswered data');
    }
  }

  #violation(end: End, what: string): Violation {
    return new Violation(this.#world, this.name, `${end.side} ${what}`);
  }
}
