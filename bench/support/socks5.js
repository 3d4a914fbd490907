/** A minimal SOCKS5 client without authentication (RFC 1928). */
import { once } from 'node:events';
import { connect } from 'node:net';

const NO_AUTHENTICATION = [5, 1, 0];
const CONNECT_TO_IPV4 = [5, 1, 0, 1];
const REPLY_TO_IPV4 = 10;

/**
 * @param proxy HOST:PORT
 * @returns a socket that is connected to an IPv4 address through the proxy
 */
export async function dialSocks5(proxy, host, port) {
  const [proxyHost, proxyPort] = proxy.split(':');
  const socket = connect(Number(proxyPort), proxyHost);
  await once(socket, 'connect');
  socket.write(Buffer.from(NO_AUTHENTICATION));
  const method = await read(socket, 2);
  if (method[1] !== 0) throw new Error(`the proxy wants authentication method ${method[1]}`);
  const address = host.split('.').map(Number);
  socket.write(Buffer.from([...CONNECT_TO_IPV4, ...address, port >> 8, port & 0xff]));
  const reply = await read(socket, REPLY_TO_IPV4);
  if (reply[1] !== 0) throw new Error(`the proxy cannot connect: reply ${reply[1]}`);
  return socket;
}

/** Reads the next `length` bytes; later bytes stay in the socket. */
function read(socket, length) {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const fail = () => reject(new Error('the proxy closed the connection'));
    const take = (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < length) return;
      socket.off('data', take).off('close', fail).pause();
      if (bytes.length > length) socket.unshift(bytes.subarray(length));
      resolve(bytes.subarray(0, length));
    };
    socket.on('data', take).on('close', fail).resume();
  });
}
