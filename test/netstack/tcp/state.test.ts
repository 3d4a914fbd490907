import {
  acceptsSend,
  acceptsText,
  isHandshake,
  type TcpState,
} from '../../../src/netstack/tcp/state.js';
import { LIVE_STATES } from '../tcp-harness.js';

interface Row {
  /** Whether SEND is accepted or queued: RFC 9293 3.10.2. */
  readonly send: boolean;
  /** Whether data of the peer is processed: RFC 9293 3.10.7.4, seventh step. */
  readonly text: boolean;
  /** Whether one of the two SYNs is not acknowledged yet: RFC 9293 3.5. */
  readonly handshake: boolean;
}

const ROWS: Readonly<Record<TcpState, Row>> = {
  'SYN-SENT': { send: true, text: false, handshake: true },
  'SYN-RECEIVED': { send: true, text: false, handshake: true },
  ESTABLISHED: { send: true, text: true, handshake: false },
  'FIN-WAIT-1': { send: false, text: true, handshake: false },
  'FIN-WAIT-2': { send: false, text: true, handshake: false },
  'CLOSE-WAIT': { send: true, text: false, handshake: false },
  CLOSING: { send: false, text: false, handshake: false },
  'LAST-ACK': { send: false, text: false, handshake: false },
  'TIME-WAIT': { send: false, text: false, handshake: false },
  CLOSED: { send: false, text: false, handshake: false },
};

it.each<TcpState>([...LIVE_STATES, 'CLOSED'])('%s allows what RFC 9293 3.10 allows', (state) => {
  expect({
    send: acceptsSend(state),
    text: acceptsText(state),
    handshake: isHandshake(state),
  }).toEqual(ROWS[state]);
});
