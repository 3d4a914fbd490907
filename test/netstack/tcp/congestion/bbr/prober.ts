/** Feeds a BandwidthProbe with single ACKs and losses. */
import { BandwidthProbe } from '../../../../../src/netstack/tcp/congestion/bbr/bandwidth-probe.js';
import { PathModel } from '../../../../../src/netstack/tcp/congestion/bbr/path-model.js';
import type { AckSample } from '../../../../../src/netstack/tcp/congestion/congestion-control.js';
import { sample, type State, state, transmission } from '../samples.js';

/** A path of 1000 bytes a ms and 50 ms, whose pipe was full once: 50 segments. */
export class Prober {
  readonly model = new PathModel(1000, 0);
  readonly probe = new BandwidthProbe(this.model, () => 0);
  readonly state: State = state({ delivered: 1_000_000, inflight: 40_000 });
  now = 1000;

  constructor() {
    this.model.sampleBandwidth(1000, false);
    this.model.boundBandwidth();
    this.model.roundTrip.update(50, 1);
    this.model.cwnd = 100_000;
    this.model.fullPipe.declareFull();
    this.probe.startDown(this.state, this.now);
  }

  get phase(): string {
    return this.model.phase;
  }

  /** An ACK for a segment sent in the current round. */
  ack(changes: Partial<AckSample> = {}, isAppLimited = false): void {
    const each = sample({
      deliveryRate: 1000,
      newlyDelivered: 1000,
      priorDelivered: 0,
      ...changes,
    });
    this.state.delivered += each.newlyDelivered;
    this.model.rounds.update(each.priorDelivered, this.state.delivered);
    if (this.model.rounds.isStart) this.model.fullPipe.roundEnded(each.deliveryRate);
    this.probe.update(each, isAppLimited, this.state, this.now);
  }

  /** The ACK that begins the next round. */
  round(changes: Partial<AckSample> = {}, isAppLimited = false): void {
    this.now += 50;
    this.ack({ priorDelivered: this.state.delivered, ...changes }, isAppLimited);
  }

  /** Enters ProbeBW_UP, with ACKs of data sent in it. */
  goUp(): void {
    this.now += 2001;
    this.ack();
    this.round();
    expect(this.phase).toBe('ProbeBW_UP');
    this.round();
  }

  /** Loses `lost` of the 60 segments in flight. */
  lose(lost: number, changes = {}): boolean {
    this.state.lost += lost * 1000;
    const segment = transmission({
      inflight: 60_000,
      lost: this.state.lost - lost * 1000,
      ...changes,
    });
    return this.probe.lost(segment, this.state, this.now);
  }
}
