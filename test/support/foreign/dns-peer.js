/**
 * A name server for the far side of a tunnel: `node dns-peer.js ADDRESS NAME=ADDRESS...`.
 *
 * Over UDP it truncates replies for names that start with `big`; over TCP it sends them in full. It
 * prints each query.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

import dnsPacket from 'dns-packet';

const [address, ...entries] = process.argv.slice(2);
const names = new Map(entries.map((entry) => entry.split('=')));

function answer(bytes, isDatagram) {
  const { id, questions } = dnsPacket.decode(bytes);
  const [question] = questions;
  console.log(`${isDatagram ? 'udp' : 'tcp'} ${question.type} ${question.name}`);
  const data = names.get(question.name);
  const isTruncated = isDatagram && question.name.startsWith('big');
  const record = { type: 'A', name: question.name, ttl: 60, data };
  return dnsPacket.encode({
    type: 'response',
    id,
    flags: (data === undefined ? 3 : 0) | (isTruncated ? dnsPacket.TRUNCATED_RESPONSE : 0),
    questions,
    answers: data === undefined || isTruncated ? [] : [record],
  });
}

const udp = createSocket('udp4', (bytes, from) =>
  udp.send(answer(bytes, true), from.port, from.address),
);
const tcp = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', (bytes) => {
    const reply = answer(bytes.subarray(2), false);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(reply.length);
    socket.end(Buffer.concat([length, reply]));
  });
});
udp.bind(53, address, () => tcp.listen(53, address, () => console.log('listening')));
