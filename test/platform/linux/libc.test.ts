import { loadLibc, SystemCallError } from '../../../src/platform/linux/libc.js';

describe('the C library', () => {
  it('takes calls and tells why one failed', async () => {
    const libc = await loadLibc();
    if (process.platform !== 'linux') {
      expect(libc).toBeUndefined();
      return;
    }
    const close = libc!.bind('int close(int)');
    expect(close(-1)).toBe(-1);
    const error = new SystemCallError('close', libc!.errno());
    expect(error).toMatchObject({ code: 'EBADF', syscall: 'close', message: 'close: EBADF' });
  });

  it('calls on another thread', async () => {
    const libc = await loadLibc();
    if (libc === undefined) return;
    const getpid = libc.bind('int getpid()');
    const result = new Promise((resolve) => getpid.async((_error, pid) => resolve(pid)));
    await expect(result).resolves.toBe(process.pid);
  });
});
