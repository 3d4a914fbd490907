import { insideError, isolationError } from '../../../src/app/access/isolation-error.js';
import type { IsolationObstacle } from '../../../src/ports/isolation.js';

const reason = 'unshare failed: Operation not permitted';

it.each<[IsolationObstacle, string, string, string]>([
  [{ kind: 'not-linux' }, 'usage', 'requires Linux', 'without --netns'],
  [{ kind: 'no-koffi', reason: 'missing' }, 'failed', 'koffi', 'optional dependencies'],
  [{ kind: 'no-unshare' }, 'failed', 'unshare was not found', 'util-linux'],
  [{ kind: 'old-unshare' }, 'failed', '--map-current-user', 'util-linux 2.36'],
  [{ kind: 'no-tun' }, 'failed', '/dev/net/tun does not exist', '--device /dev/net/tun'],
  [{ kind: 'tun-denied' }, 'permission', '/dev/net/tun', 'chmod 0666 /dev/net/tun'],
  [
    { kind: 'setting', name: 'user.max_user_namespaces', value: '0', wanted: '10000', reason },
    'permission',
    `user.max_user_namespaces is 0 (${reason})`,
    'sysctl user.max_user_namespaces=10000',
  ],
  [{ kind: 'refused', reason, isFiltered: true }, 'permission', 'seccomp', '--security-opt'],
  [
    { kind: 'refused', reason, isFiltered: false },
    'permission',
    reason,
    'kernel.apparmor_restrict_unprivileged_userns',
  ],
])('explains %j', (obstacle, kind, why, next) => {
  const error = isolationError(obstacle);
  expect(error.kind).toBe(kind);
  expect(error.what).toBe('cannot run the program in its own network');
  expect(error.why).toContain(why);
  expect(error.next.join('\n')).toContain(next);
});

it.each([
  [{ refusal: 'no-driver', message: 'x' }, 'failed', '/dev/net/tun does not exist'],
  [{ refusal: 'no-access', message: 'x' }, 'permission', '/dev/net/tun'],
  [{ refusal: 'not-permitted', message: 'ioctl: EPERM' }, 'permission', 'ioctl: EPERM'],
  [{ code: 'EPERM', message: 'mount: EPERM' }, 'permission', 'mount: EPERM'],
  [{ code: 'EACCES', message: 'mount: EACCES' }, 'permission', 'mount: EACCES'],
  [{ refusal: 'failed', message: 'ioctl: EIO' }, 'failed', 'ioctl: EIO'],
  [{ code: 'EIO', message: 'mount: EIO' }, 'failed', 'mount: EIO'],
])('explains the failure of a step inside: %j', (members, kind, why) => {
  const error = insideError(Object.assign(new Error(members.message), members));
  expect(error.kind).toBe(kind);
  expect(error.why).toContain(why);
});
