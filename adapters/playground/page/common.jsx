// What both panes have in common: the list of places, the box one types into, and a dialog.
import { useEffect, useId, useRef, useState } from "react";

export function Places({ label, places, here, go }) {
  return (
    <nav className="places" aria-label={label}>
      {places.map((one) => (
        <button key={one.id} aria-current={one.id === here ? "page" : undefined} onClick={() => go(one.id)}>
          {one.label}
        </button>
      ))}
    </nav>
  );
}

// `offers`: what may be completed, each {text, hint, about}; listed above the box while the line begins as they do.
export function Composer({ label, placeholder, button, offers, type, children }) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    if (!text.trim() || busy) return;
    setBusy(true);
    if (await type(text.trim())) setText("");
    setBusy(false);
  };
  return (
    <form className="composer" onSubmit={submit}>
      {children}
      <div className="line">
        <Completed label={label} placeholder={placeholder} offers={offers} text={text} setText={setText} />
        <button disabled={busy}>{button}</button>
      </div>
    </form>
  );
}

function Completed({ label, placeholder, offers, text, setText }) {
  const [at, setAt] = useState(0);
  const [closed, setClosed] = useState(false);
  const id = useId();
  const typed = text.toLowerCase();
  const found = typed && !closed ? offers.filter((one) => one.text.toLowerCase().startsWith(typed)) : [];
  // What is typed in full is sent by Enter, not completed once more.
  const chosen = found.some((one) => one.text.toLowerCase() === typed) && at === 0 ? -1 : Math.min(at, found.length - 1);
  const put = (next, shut) => {
    setText(next);
    setAt(0);
    setClosed(shut);
  };
  const take = (one) => put(`${one.text}${one.hint ? " " : ""}`, true);
  const key = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!found.length) return;
    if (step) setAt((Math.max(chosen, 0) + step + found.length) % found.length);
    else if ((event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) && chosen >= 0) take(found[chosen]);
    else if (event.key === "Escape") setClosed(true);
    else return;
    event.preventDefault();
  };
  return (
    <div className="completed">
      <input role="combobox" aria-label={label} placeholder={placeholder} value={text} autoComplete="off"
        aria-autocomplete="list" aria-expanded={found.length > 0} aria-controls={found.length ? id : undefined}
        aria-activedescendant={chosen >= 0 ? `${id}${chosen}` : undefined} onKeyDown={key}
        onBlur={() => setClosed(true)} onChange={(event) => put(event.target.value, false)} />
      {found.length > 0 && (
        <ul role="listbox" id={id} aria-label={label}>
          {found.map((one, i) => (
            <li key={one.text} role="option" id={`${id}${i}`} aria-selected={i === chosen}
              onMouseDown={(event) => (event.preventDefault(), take(one))}>
              <strong>{one.text}</strong> {one.hint} <small>{one.about}</small>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

export function Modal({ title, close, closeLabel, children }) {
  const box = useRef(null);
  useEffect(() => {
    box.current.showModal();
  }, []);
  return (
    <dialog ref={box} aria-label={title} onCancel={(event) => (event.preventDefault(), close())}>
      <header>
        <h2>{title}</h2>
        <button type="button" className="cross" aria-label={closeLabel} onClick={close}>
          ×
        </button>
      </header>
      {children}
    </dialog>
  );
}

// Keeps the newest message in sight.
export function Log({ label, count, children }) {
  const end = useRef(null);
  useEffect(() => {
    end.current.parentElement.scrollTop = end.current.offsetTop;
  }, [count]);
  return (
    <div className="log" role="log" aria-label={label} tabIndex={0}>
      {children}
      <div ref={end} />
    </div>
  );
}

// What a newcomer can do where nobody wrote yet.
export function Empty({ words, button, start }) {
  return (
    <p className="empty">
      {words} <button onClick={start}>{button}</button>
    </p>
  );
}

export function Author({ name, bot, marks }) {
  return (
    <p className="author">
      <span className={bot ? "avatar bot" : "avatar"} aria-hidden="true">
        {name.slice(0, 1)}
      </span>
      <strong>{name}</strong>
      {marks.filter(Boolean).map((mark) => (
        <small key={mark}>{mark}</small>
      ))}
    </p>
  );
}

export function InThread({ t, leave }) {
  return (
    <p className="thread">
      {t("in_thread")} <button onClick={leave}>{t("close")}</button>
    </p>
  );
}
