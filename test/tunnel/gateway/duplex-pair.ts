import { Duplex } from 'node:stream';

/** Returns two streams, each of which reads what the other writes. */
export function duplexPair(): [Duplex, Duplex] {
  const sides: Duplex[] = [];
  for (const other of [1, 0]) {
    sides.push(
      new Duplex({
        allowHalfOpen: true,
        read: () => undefined,
        write: (chunk: Buffer, _encoding, done) => {
          sides[other]!.push(chunk);
          done();
        },
        final: (done) => {
          sides[other]!.push(null);
          done();
        },
      }),
    );
  }
  return sides as [Duplex, Duplex];
}
