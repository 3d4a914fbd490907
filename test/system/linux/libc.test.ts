import { jest } from '@jest/globals';

import { loadLibc, SystemCallError } from '../../../src/system/linux/libc.js';
import { describeWith } from '../../support/runner/requirements.js';

describeWith(['linux', 'koffi'], 'the C library', () => {
  it('calls functions and reports why one failed', async () => {
    const libc = await loadLibc();
    const close = libc!.bind('int close(int)');
    expect(close(-1)).toBe(-1);
    const error = new SystemCallError('close', libc!.errno());
    expect(error).toMatchObject({ code: 'EBADF', syscall: 'close', message: 'close: EBADF' });
  });
});

it('is not loaded on another system', async () => {
  const { platform } = process;
  try {
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    jest.resetModules();
    const fresh = await import('../../../src/system/linux/libc.js');
    expect(await fresh.loadLibc()).toBeUndefined();
    expect(fresh.libcFailure()).toBe('the operating system must be Linux');
  } finally {
    Object.defineProperty(process, 'platform', { value: platform });
  }
});
