// The messages of the diagnostics channels, as subscribers take them.

import { channel, subscribe } from 'node:diagnostics_channel';
import type {
  AbortMessage,
  ExpireMessage,
  GrantMessage,
  LostMessage,
  RefuseMessage,
  ReleaseMessage,
  StoreDisconnectMessage,
  StoreFreezeMessage,
  StoreMessage,
  StoreSessionLostMessage,
  TimeoutMessage,
  WaitMessage,
} from 'latchkey';
import { same } from './same.mjs';

subscribe('latchkey:grant', (message) => {
  const { key, waited } = message as GrantMessage;
  console.log(key.length, waited.toFixed());
});
channel('latchkey:expire').subscribe((message) => console.log((message as ExpireMessage).held));

same<WaitMessage['name'], string | null>();
same<WaitMessage['mode'], 'read' | 'write'>();
same<keyof WaitMessage, 'id' | 'scope' | 'name' | 'key' | 'mode' | 'label'>();
same<keyof GrantMessage, keyof WaitMessage | 'fence' | 'recovered' | 'waited'>();
same<keyof ReleaseMessage, keyof GrantMessage | 'held'>();
same<ExpireMessage, ReleaseMessage>();
same<LostMessage, ReleaseMessage>();
same<keyof TimeoutMessage, keyof WaitMessage | 'waited'>();
same<AbortMessage, TimeoutMessage>();
same<keyof RefuseMessage, keyof TimeoutMessage | 'code'>();
same<StoreMessage, { readonly store: string }>();
same<keyof StoreDisconnectMessage, keyof StoreMessage | 'reason'>();
same<keyof StoreSessionLostMessage, keyof StoreMessage | 'holds'>();
same<keyof StoreFreezeMessage, keyof StoreMessage | 'frozenUntil'>();
