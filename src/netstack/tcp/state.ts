/** The connection states of RFC 9293 3.3.2 except LISTEN, which TcpListener represents. */
export type TcpState =
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'
  | 'CLOSED';

/**
 * Whether the user may still send (RFC 9293 3.10.2). Data that is sent during the handshake is
 * queued.
 */
export function acceptsSend(state: TcpState): boolean {
  return (
    state === 'ESTABLISHED' ||
    state === 'CLOSE-WAIT' ||
    state === 'SYN-SENT' ||
    state === 'SYN-RECEIVED'
  );
}

/** Whether the peer may still send data (RFC 9293 3.10.7.4, seventh step). */
export function acceptsText(state: TcpState): boolean {
  return state === 'ESTABLISHED' || state === 'FIN-WAIT-1' || state === 'FIN-WAIT-2';
}

export function isHandshake(state: TcpState): boolean {
  return state === 'SYN-SENT' || state === 'SYN-RECEIVED';
}
