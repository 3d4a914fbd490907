/** Explains why a program cannot be isolated, and what to do. */
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { IsolationObstacle } from '../../ports/isolation.js';

const WHAT = 'cannot run the program in its own network';

/** The steps of the process inside that the system may refuse. */
const TUN_FAILURES: Readonly<Record<string, IsolationObstacle['kind']>> = {
  'no-driver': 'no-tun',
  'no-access': 'tun-denied',
};

export function isolationError(obstacle: IsolationObstacle, cause?: unknown): UserError {
  const { kind, why, next } = explain(obstacle);
  const proxy = 'Or run "arctun exec" without --netns, if the program can use a proxy.';
  return new UserError(kind, { what: WHAT, why, next: [...next, proxy], cause });
}

/** The error of the process inside after a system call has failed. */
export function insideError(error: unknown): UserError {
  const { refusal } = error as { readonly refusal?: string };
  const kind = refusal === undefined ? undefined : TUN_FAILURES[refusal];
  if (kind === 'no-tun' || kind === 'tun-denied') return isolationError({ kind }, error);
  const isDenied = ['EPERM', 'EACCES'].includes(codeOf(error) ?? '');
  if (!isDenied && refusal !== 'not-permitted') {
    return new UserError('failed', { what: WHAT, why: messageOf(error), cause: error });
  }
  return isolationError({ kind: 'refused', reason: messageOf(error), isFiltered: false }, error);
}

type Explanation = Pick<UserError, 'kind' | 'why' | 'next'>;

function explain(obstacle: IsolationObstacle): Explanation {
  switch (obstacle.kind) {
    case 'not-linux':
      return { kind: 'usage', why: '--netns requires Linux', next: [] };
    case 'no-koffi':
      return {
        kind: 'failed',
        why: `--netns requires koffi, which cannot be loaded here (${obstacle.reason})`,
        next: ['Install arctun with its optional dependencies, or use the single executable.'],
      };
    case 'no-unshare':
      return {
        kind: 'failed',
        why: 'unshare was not found',
        next: ['Install the package util-linux.'],
      };
    case 'old-unshare':
      return {
        kind: 'failed',
        why: 'this version of unshare does not support --map-current-user and --keep-caps',
        next: ['Install util-linux 2.36 or later; that of BusyBox is not sufficient.'],
      };
    case 'no-tun':
      return {
        kind: 'failed',
        why: '/dev/net/tun does not exist',
        next: [
          'Load the module as root: modprobe tun',
          'In a container, add the device: docker run --device /dev/net/tun …',
        ],
      };
    case 'tun-denied':
      return {
        kind: 'permission',
        why: 'this user may not open /dev/net/tun',
        next: [
          'Allow it as root: chmod 0666 /dev/net/tun',
          'To keep this after a restart, add a udev rule: KERNEL=="tun", MODE="0666"',
        ],
      };
    case 'setting':
      return {
        kind: 'permission',
        why: `${obstacle.name} is ${obstacle.value} (${obstacle.reason})`,
        next: [`Allow it as root: sysctl ${obstacle.name}=${obstacle.wanted}`],
      };
    case 'refused':
      return refused(obstacle);
  }
}

function refused({
  reason,
  isFiltered,
}: Extract<IsolationObstacle, { kind: 'refused' }>): Explanation {
  if (isFiltered) {
    return {
      kind: 'permission',
      why: `a seccomp filter, such as that of a container, forbids namespaces (${reason})`,
      next: [
        'Start the container with a filter that allows unshare(2): docker run --security-opt seccomp=unconfined …',
      ],
    };
  }
  return {
    kind: 'permission',
    why: `the system does not allow user namespaces (${reason})`,
    next: [
      'Check kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns and user.max_user_namespaces.',
    ],
  };
}
