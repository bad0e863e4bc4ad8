// The messages of the diagnostics channels, as subscribers take them.

import { channel, subscribe } from 'node:diagnostics_channel';
import type { ExpireMessage, GrantMessage, ReleaseMessage, WaitMessage } from 'latchkey';
import { same } from './same.mjs';

subscribe('latchkey:grant', (message) => {
  const { key, waited } = message as GrantMessage;
  console.log(key.length, waited.toFixed());
});
channel('latchkey:expire').subscribe((message) => console.log((message as ExpireMessage).held));

same<WaitMessage['space'], string | null>();
same<WaitMessage['mode'], 'read' | 'write'>();
same<keyof WaitMessage, 'space' | 'key' | 'mode'>();
same<keyof GrantMessage, keyof WaitMessage | 'fence' | 'recovered' | 'waited'>();
same<keyof ReleaseMessage, keyof GrantMessage | 'held'>();
same<ExpireMessage, ReleaseMessage>();
