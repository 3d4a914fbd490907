/** Finds out how and when the other side ends an idle TCP connection. */
import { orAborted } from '../steps.js';

/**
 * @typedef {object} IdleEnd
 * @property {'FIN' | 'RST' | 'kept' | 'failed'} how
 * @property {number} seconds since the connection became idle
 * @property {string} detail
 */

/** Watches a connection from now on. */
export class IdleWatch {
  #since = performance.now();
  #bytes = 0;
  /** @type {Promise<IdleEnd>} */
  #ended;

  /** @param {import('node:stream').Duplex} socket a flowing connection without a request in flight */
  constructor(socket) {
    this.#ended = new Promise((resolve) => {
      const end = (how, detail = '') => resolve(this.#result(how, detail));
      if (socket.readableEnded || socket.destroyed) end('FIN', 'before it was idle');
      socket.on('data', (chunk) => (this.#bytes += chunk.length));
      socket.on('end', () => end('FIN'));
      socket.on('error', (error) => {
        const { code } = /** @type {NodeJS.ErrnoException} */ (error);
        if (code === 'ECONNRESET') end('RST');
        else end('failed', code ?? error.message);
      });
      socket.on('close', () => end('failed', 'closed without a FIN or an RST'));
    });
  }

  /**
   * @param {number} limit how long the connection may be idle, in seconds
   * @param {AbortSignal} signal
   * @returns {Promise<IdleEnd>}
   */
  async end(limit, signal) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const kept = new Promise((resolve) => {
      const left = limit * 1000 - (performance.now() - this.#since);
      timer = setTimeout(() => resolve(this.#result('kept', '')), Math.max(0, left));
    });
    try {
      return await orAborted(Promise.race([this.#ended, kept]), signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns {IdleEnd} */
  #result(how, detail) {
    const received = this.#bytes === 0 ? '' : `${this.#bytes} bytes arrived while it was idle`;
    return { how, seconds: (performance.now() - this.#since) / 1000, detail: detail || received };
  }
}

/**
 * @param {IdleEnd} end
 * @returns {string}
 */
export function idleText({ how, seconds, detail }) {
  const more = detail === '' ? '' : ` (${detail})`;
  if (how === 'kept') return `still open after ${seconds.toFixed(1)} s${more}`;
  if (how === 'failed') return `lost after ${seconds.toFixed(1)} s${more}`;
  return `closed by the server with ${how} after ${seconds.toFixed(1)} s${more}`;
}
