/**
 * The adapters to the operating system that are quick to load. They are loaded together, because
 * loading another file takes longer than loading the code of an unused adapter.
 */
export { systemClock } from '../system/clock.js';
export { systemEntropy } from '../system/entropy.js';
export { createCaptureFile } from '../system/files/capture-file.js';
export { systemFiles } from '../system/files/files.js';
export { readStdin, readWholeFile } from '../system/files/input.js';
export { systemJournals } from '../system/files/journal.js';
export { writeStandardOutput } from '../system/files/output.js';
export { makePrivate, tryFolder } from '../system/files/probe-folder.js';
export { openSpoolFolder } from '../system/files/spool-folder.js';
export { systemPrivateFiles } from '../system/files/read-private-file.js';
export { boundSockets } from '../system/network/bound-sockets.js';
export { createKeyClaims } from '../system/network/key-claims.js';
export { localConnections } from '../system/network/local-connection.js';
export { localListeners } from '../system/network/local-listener.js';
export { localStreams } from '../system/network/local-stream.js';
export { portHolder } from '../system/network/port-holder.js';
export { tryListen } from '../system/network/port-holder.js';
export { systemResolver } from '../system/network/resolver.js';
export { udpSockets } from '../system/network/udp-socket.js';
export { systemCommands } from '../system/process/command-runner.js';
export { foregroundPrograms } from '../system/process/foreground-program.js';
export { takePassedSockets } from '../system/process/passed-sockets.js';
export { openServiceManager } from '../system/process/service-notifications.js';
export { reloadRequests, stopSignal } from '../system/process/signals.js';
export { standardStreams } from '../system/process/standard-streams.js';
export {
  limitYoungGeneration,
  tuneGarbageCollection,
} from '../system/process/garbage-collection.js';
