package metadata

// Pallet returns a pallet by its name, such as "System".
func (m *Metadata) Pallet(name string) (*Pallet, bool) {
	return find(m.Pallets, func(p *Pallet) bool { return p.Name == name })
}

// PalletByIndex returns a pallet by the number that calls, events and errors
// name it with.
func (m *Metadata) PalletByIndex(i uint8) (*Pallet, bool) {
	return find(m.Pallets, func(p *Pallet) bool { return p.Index == i })
}

// Call returns a call and its pallet.
func (m *Metadata) Call(pallet, name string) (*Pallet, *VariantDef, bool) {
	p, ok := m.Pallet(pallet)
	if !ok {
		return nil, nil, false
	}
	t := m.Types.Type(p.Calls)
	if t == nil {
		return nil, nil, false
	}
	v, ok := find(t.Variants, func(v *VariantDef) bool { return v.Name == name })
	if !ok {
		return nil, nil, false
	}
	return p, v, true
}

// Method returns a function of a runtime API. Version 14 lists none.
func (m *Metadata) Method(api, name string) (*Method, bool) {
	a, ok := find(m.APIs, func(a *API) bool { return a.Name == api })
	if !ok {
		return nil, false
	}
	return find(a.Methods, func(m *Method) bool { return m.Name == name })
}

// Entry returns a storage entry by its name.
func (p *Pallet) Entry(name string) (*StorageEntry, bool) {
	return find(p.Storage, func(e *StorageEntry) bool { return e.Name == name })
}

// Constant returns a constant by its name.
func (p *Pallet) Constant(name string) (*Constant, bool) {
	return find(p.Constants, func(c *Constant) bool { return c.Name == name })
}

func find[T any](items []T, is func(*T) bool) (*T, bool) {
	for i := range items {
		if is(&items[i]) {
			return &items[i], true
		}
	}
	return nil, false
}

// Type returns a type, nil where the registry has none of that number. The
// pointer holds until the registry grows.
func (r *Registry) Type(id TypeID) *Type {
	if int64(id) >= int64(len(r.Types)) {
		return nil
	}
	return &r.Types[id]
}

// Unwrap goes through structs of one field to the type that lies on the wire.
// Types that the registry lacks and structs that hold themselves come back as
// they are.
func (r *Registry) Unwrap(id TypeID) TypeID {
	at := id
	for range len(r.Types) + 1 {
		t := r.Type(at)
		if t == nil || t.Kind != Composite || len(t.Fields) != 1 {
			return at
		}
		at = t.Fields[0].Type
	}
	return id
}
