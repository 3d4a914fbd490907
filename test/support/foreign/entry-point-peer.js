/**
 * A TCP and UDP server on one port for the far side of a tunnel: `node entry-point-peer.js ADDRESS
 * PORT`.
 *
 * Both protocols reply with `201 ` and the received bytes; `silent` gets no reply, `empty` an empty
 * datagram, `close` a FIN, `reset` an RST. A TCP connection stays open after a reply, as with
 * SORACOM, and `large N` gets N bytes. It prints each message.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const [address, port] = process.argv.slice(2);

const udp = createSocket('udp4', (message, from) => {
  const text = message.toString();
  console.log(`udp ${message.length} ${text.slice(0, 40)}`);
  if (text === 'silent') return;
  const answer = text === 'empty' ? '' : `201 ${text}`;
  udp.send(answer, from.port, from.address);
});

const tcp = createServer((socket) => {
  socket.on('error', ({ code }) => console.log(`tcp error ${code}`));
  socket.on('end', () => console.log('tcp end'));
  socket.once('data', (message) => {
    const text = message.toString();
    console.log(`tcp ${message.length} ${text.slice(0, 40)}`);
    const large = /^large (\d+)$/.exec(text);
    if (large) socket.write(Buffer.alloc(Number(large[1]), 'x'));
    else if (text === 'close') socket.end();
    else if (text === 'reset') socket.resetAndDestroy();
    else if (text !== 'silent') socket.write(`201 ${text}`);
  });
});

udp.bind(Number(port), address, () => {
  tcp.listen(Number(port), address, () => console.log('listening'));
});
