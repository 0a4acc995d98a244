// Where the page stands: alone in a window, or as a card in a conversation.

import { createContext } from "preact";
import { useContext } from "preact/hooks";

export interface Place {
  /** A card stays short: rows unfold on a click. */
  card?: boolean;
  /** Asks for the whole screen, where there is one to be had. */
  grow?(): void;
  /** Asks something in the conversation, in words of this page: never in words of the data. */
  ask?(question: string): Promise<void>;
}

const Context = createContext<Place>({});
export const PlaceOf = Context.Provider;
export const usePlace = () => useContext(Context);
