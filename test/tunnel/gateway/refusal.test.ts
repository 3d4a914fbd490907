import { DialError, type DialFailure } from '../../../src/proxy/dialer.js';
import { refusalOf } from '../../../src/tunnel/gateway/refusal.js';

it.each<[DialFailure, string]>([
  ['over-budget', 'prohibited'],
  ['refused', 'port'],
  ['no-handshake', 'network'],
  ['closed', 'network'],
  ['unreachable', 'host'],
])('reports %s as %s', (reason, unreachable) => {
  expect(refusalOf(new DialError(reason, 'no'))).toBe(unreachable);
});

it('reports an unknown failure as prohibited', () => {
  expect(refusalOf(new Error('no'))).toBe('prohibited');
});
