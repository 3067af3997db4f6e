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

// `offers`: what may be completed, each {text, about}; shown while the line begins as one of them does.
export function Composer({ label, placeholder, button, offers, type, children }) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const list = useId();
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
      <input aria-label={label} placeholder={placeholder} value={text} list={list} autoComplete="off"
        onChange={(event) => setText(event.target.value)} />
      <datalist id={list}>
        {offers.map((one) => (
          <option key={one.text} value={one.text}>
            {one.about}
          </option>
        ))}
      </datalist>
      <button disabled={busy}>{button}</button>
    </form>
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
