/**
 * Creates the samples that a sender passes to a congestion control; unspecified fields are neutral.
 */
import type {
  AckSample,
  DeliveryState,
  Transmission,
} from '../../../../src/netstack/tcp/congestion/congestion-control.js';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export type State = Mutable<DeliveryState>;

export function state(changes: Partial<DeliveryState> = {}): State {
  return {
    mss: 1000,
    flightSize: 0,
    inflight: 0,
    delivered: 0,
    lost: 0,
    isAppLimited: false,
    isRecovering: false,
    srtt: 0,
    usesSack: true,
    ...changes,
  };
}

export function sample(changes: Partial<AckSample> = {}): AckSample {
  return {
    isCumulative: false,
    acknowledged: 0,
    newlyDelivered: 0,
    newlyLost: 0,
    priorInflight: 0,
    rtt: -1,
    deliveryRate: 0,
    delivered: 0,
    lost: 0,
    priorDelivered: -1,
    inflight: 0,
    isAppLimited: false,
    ...changes,
  };
}

/** An ACK that advances SND.UNA by `bytes`, from a sender that fills its window of `inflight`. */
export function cumulative(bytes: number, inflight: number): AckSample {
  return sample({
    isCumulative: true,
    acknowledged: bytes,
    newlyDelivered: bytes,
    priorInflight: inflight,
  });
}

export function transmission(changes: Partial<Transmission> = {}): Transmission {
  return {
    length: 1000,
    sentAt: 0,
    delivered: 0,
    inflight: 1000,
    lost: 0,
    isAppLimited: false,
    ...changes,
  };
}
